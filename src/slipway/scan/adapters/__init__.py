"""What other scanners found, in our terms."""
