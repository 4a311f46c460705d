"""The error that an operator can act on."""


class OperatorError(Exception):
    """Something is wrong that the operator can fix: what, where, and what to do next."""


def text_of(error: BaseException) -> str:
    """Return an error's text without the number of the operating system."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return str(error) or type(error).__name__
