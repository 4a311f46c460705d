"""The stack as a person runs it: the pulumi CLI with this project's backend, secrets and tools."""
