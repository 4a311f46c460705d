"""How much of a fleet's resources is requested and used, and what remains if Nodes are lost."""
