"""The documents that a fleet's description turns into."""
