"""Slipway: one tool for the whole life of an image."""

__version__ = "0.1.0.dev0"
