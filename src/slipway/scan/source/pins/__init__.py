"""Files that say which versions of packages are to be installed: requirements, lock files, conda environments."""
