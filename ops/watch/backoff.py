"""How long to wait before something that failed is tried again."""


class Backoff:
    """Seconds before another attempt: `first`, then twice as long each time, at most `longest`."""

    def __init__(self, first: float, longest: float) -> None:
        self._first, self._longest = first, longest
        self._next = first

    def next(self) -> float:
        """Return how long to wait now."""
        wait, self._next = self._next, min(self._next * 2, self._longest)
        return wait

    def reset(self) -> None:
        """Begin again: it worked."""
        self._next = self._first
