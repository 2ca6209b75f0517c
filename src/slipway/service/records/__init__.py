"""The records in a database: SQLite beside the service, or PostgreSQL for several of them."""
