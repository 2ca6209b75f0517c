"""The image service: records and artifacts behind an HTTP API, with a database, storage and sign-in."""
