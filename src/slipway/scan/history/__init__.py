"""Scans of the past: what changed between two, and how an image fared."""
