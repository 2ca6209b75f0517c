"""Source trees: is the YAML well formed, is the Python safe, are its dependencies, are there secrets."""
