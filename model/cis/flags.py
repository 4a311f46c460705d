"""The flags of a running component, as pflag reads them."""

from collections.abc import Sequence
from dataclasses import dataclass

TRUE = frozenset({"true", "1", "t"})
FALSE = frozenset({"false", "0", "f"})


@dataclass(frozen=True)
class Flags:
    """Each flag with its value, in order; one without a value is `true`."""

    given: tuple[tuple[str, str], ...]

    @classmethod
    def parse(cls, arguments: Sequence[str]) -> "Flags":
        """Read the arguments of a process, of which the first is the program."""
        given: list[tuple[str, str]] = []
        left = list(arguments[1:])
        while left:
            argument = left.pop(0)
            if not argument.startswith("-"):
                continue
            name, equals, value = argument.lstrip("-").partition("=")
            if not equals:
                value = left.pop(0) if left and _is_value(left[0]) else "true"
            # Kubernetes' components take `_` for `-`.
            given.append((name.replace("_", "-"), value))
        return cls(tuple(given))

    def last(self, name: str) -> str | None:
        """Return the value of a flag, the last one if it is repeated; None if it is not set."""
        return next((value for key, value in reversed(self.given) if key == name), None)

    def words(self, name: str) -> tuple[str, ...]:
        """Return the words of all of a flag's lists."""
        values = (value for key, value in self.given if key == name)
        return tuple(word.strip() for value in values for word in value.split(",") if word.strip())


def _is_value(argument: str) -> bool:
    """Whether an argument is the value of the flag before it: a truth value is never one."""
    return bool(argument) and not argument.startswith("-") and argument not in ("true", "false")


def is_true(value: str | None) -> bool:
    """Whether a flag's value is true."""
    return value is not None and value.lower() in TRUE


def is_false(value: str | None) -> bool:
    """Whether a flag's value is false; one that is not set is not."""
    return value is not None and value.lower() in FALSE
