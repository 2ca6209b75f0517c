"""What is inside an image, what is known to be wrong with it, and whether that is acceptable."""
