"""What a person runs: the Makefile, the set-up, the stack command, the workflows."""
