"""Deleting so that it can be undone, undoing it, and deleting for ever: decided in the database, carried out by durable tasks."""
