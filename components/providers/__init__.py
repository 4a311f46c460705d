"""Custom resources with a real create, read, diff, update and delete."""
