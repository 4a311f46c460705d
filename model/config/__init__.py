"""The stack's config: its types, how it is parsed, and the errors that it gets."""
