"""Artifacts that machines install: bundles and upstream releases."""
