"""The stack's config: types, parsing and errors."""
