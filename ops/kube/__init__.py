"""A cluster seen and changed through its API."""
