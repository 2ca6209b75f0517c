"""Artifacts in buckets under keys: in a local directory, or in any S3."""
