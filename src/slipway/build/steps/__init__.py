"""Commands that must run: what they are, run over the layers below, and captured as a layer."""
