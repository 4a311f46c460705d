"""Numbers of things, in words."""


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun; the plural is regular unless it is given."""
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"
