"""Programs: the command line, builds, benchmarks, and scripts that run on machines."""
