"""Inventories as documents of the field: written for others, and read from them."""
