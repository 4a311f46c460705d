"""Pulumi component resources, one noun per file."""
