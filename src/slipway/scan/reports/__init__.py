"""Scans as documents, for people and for programs."""
