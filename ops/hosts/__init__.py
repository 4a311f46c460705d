"""Hosts that exist already: reached over SSH, looked at, taken over, supplied, given back."""
