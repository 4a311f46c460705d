"""What `fleet report` says of a fleet: what was read, grades with their reasons, changes."""
