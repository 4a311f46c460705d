"""Rules between values of the config, each of which yields the issues it finds."""
