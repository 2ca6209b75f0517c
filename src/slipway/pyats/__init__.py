"""What pyATS and its Image Builder call by name."""
