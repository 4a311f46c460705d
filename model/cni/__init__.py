"""The supported pod networks, one per file."""
