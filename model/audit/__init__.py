"""Audit logs of API servers: events, questions about them, and what a host can filter."""
