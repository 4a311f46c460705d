"""Rules between config values; each yields the issues it finds."""
