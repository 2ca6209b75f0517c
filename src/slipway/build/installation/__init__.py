"""What an image says of itself below `$WORKSPACE/installation/`, as images of the pyATS Image Builder do, and how it starts."""
