"""Documents rendered from a fleet's description."""
