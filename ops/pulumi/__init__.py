"""Pulumi's engine: running it, its records and its events."""
