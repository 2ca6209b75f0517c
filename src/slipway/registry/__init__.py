"""Images in registries: the OCI distribution protocol, credentials, pull and push."""
