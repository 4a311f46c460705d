"""The error that an operator can act on."""


class OperatorError(Exception):
    """Something is wrong that the operator can fix: what, where, and what to do next."""
