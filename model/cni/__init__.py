"""The pod networks that a cluster can have, one a file."""
