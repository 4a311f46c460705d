"""Inspecting and changing a cluster through its API."""
