"""What `fleet status` says of a fleet: its clusters, their Nodes, what is wrong."""
