"""How a running cluster becomes what is wanted: what differs, in which order, what must hold."""
