"""The error that an operator can act on."""


class OperatorError(Exception):
    """Something is wrong that the operator can fix: what, where, and what to do next."""

    exit_status = 2


def text_of(error: BaseException) -> str:
    """Return an error's text in one line, without the number of the operating system."""
    mark = getattr(error, "problem_mark", None)  # of YAML, whose own text is an excerpt
    if mark is not None:
        return f"line {mark.line + 1}: {getattr(error, 'problem', error)}"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return str(error) or type(error).__name__
