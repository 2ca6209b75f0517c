"""The service's own API, `/v4`: pages, conditions, problems, several changes at once, uploads, and events as they happen."""
