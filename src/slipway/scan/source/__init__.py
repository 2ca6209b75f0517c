"""The files of a project: whether they can be read, what is weak in the code, in what it depends on, and which secrets are in them."""
