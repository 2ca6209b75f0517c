"""The API of IMS as its clients speak it: the root, `/v2` and `/v3`, each also below `/apis/ims`."""
