"""Whether clusters are what their config says, what each other are, and what their Nodes are."""
