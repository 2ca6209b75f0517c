"""What was resolved, written down: the same lock gives the same image."""
