"""What machines install: bundles, and upstream's releases."""
