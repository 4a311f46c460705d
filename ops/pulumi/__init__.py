"""Pulumi's engine: how it is run, where its records lie, what it reports."""
