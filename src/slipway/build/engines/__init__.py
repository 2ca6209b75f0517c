"""Other ways to carry out a plan: as a Dockerfile with its context, by hand or by a Docker daemon or buildah."""
