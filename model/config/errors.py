"""Config errors: location, value, cause and an example of a correct value."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from model.plural import counted

ROOT = "kubeadm-fleet:fleet"

# The location of a value below the config key: mapping keys and list indices.
Path = tuple[str | int, ...]
# At the end of a source path: includes everything below it.
DESCENDANTS = "*"

_PLAIN = re.compile(r"[A-Za-z0-9_-]+")
_LONGEST = 100
_SECRET_KEY = re.compile(r"pass|token|secret|credential|private", re.IGNORECASE)
_SECRET_VALUE = re.compile(
    r"PRIVATE KEY"
    r"|://[^/\s]*@"  # a URL with a password
    r"|\b[0-9a-f]{32,}\b"
    r"|\b(?=\S*[0-9])(?=\S*[a-z])(?=\S*[A-Z])[\w+/=-]{32,}"
)
_PUBLIC_KEY = re.compile(r"(ssh|ecdsa|sk)-[-\w@.]+ [A-Za-z0-9+/=]*")


@dataclass(frozen=True)
class ConfigProblem:
    """One config problem: path, value, cause, what is expected, and an example.

    The value is None if it is missing, and a placeholder if it looks like a secret.
    """

    path: str
    value: str | None
    problem: str
    allowed: str
    example: str

    def __str__(self) -> str:
        lines = [f"{self.path}: {self.problem}"]
        if self.value is not None:
            lines.append(f"    got:      {self.value}")
        lines.append(f"    expected: {self.allowed}")
        lines.append(f"    example:  {self.example}")
        return "\n".join(map(visible, lines))


def problem_at(
    path: Path, value: object, problem: str, *, allowed: str, example: str
) -> ConfigProblem:
    """Return a problem with its path and value formatted for display."""
    return ConfigProblem(dotted(path), shown(path, value), problem, allowed, example)


def dotted(path: Path) -> str:
    """Return the path in the form of `pulumi config set --path`.

    >>> dotted(("clusters", "a", "labels", "x.y/z", "taints", 2))
    'kubeadm-fleet:fleet.clusters.a.labels["x.y/z"].taints[2]'
    """
    text = ROOT
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            part = shortened(part)
            text += f".{part}" if _PLAIN.fullmatch(part) else f'["{part}"]'
    return text


def shown(path: Path, value: object) -> str | None:
    """Return the value for display: redacted if it looks like a secret, shortened if it is long."""
    if value is None:
        return None
    if isinstance(value, dict):
        keys = ", ".join(shortened(str(key)) for key in value)
        return f"a mapping with the keys {keys}" if value else "an empty mapping"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    key = next((part for part in reversed(path) if isinstance(part, str)), "")
    if not _PUBLIC_KEY.fullmatch(text) and (_SECRET_KEY.search(key) or _SECRET_VALUE.search(text)):
        return "(not shown: it looks like a secret)"
    return shortened(text)


def shortened(text: str) -> str:
    """Return the beginning of a text that is too long for a message."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def visible(text: str) -> str:
    r"""Return a text with escapes for what a terminal would obey or not show.

    >>> visible("a\nb\u202e\x1b[2J")
    'a\\nb\\u202e\\x1b[2J'
    """
    return "".join(
        character if character.isprintable() else ascii(character)[1:-1] for character in text
    )


class ConfigError(ValueError):
    """All problems of a config; nothing was created or changed."""

    def __init__(self, problems: Sequence[ConfigProblem]) -> None:
        self.problems = tuple(problems)
        text = "\n  ".join(str(problem).replace("\n", "\n  ") for problem in problems)
        super().__init__(
            f"the stack's config has {counted(len(problems), 'problem')}; nothing was changed:\n"
            f"  {text}\n"
            "Fix them in Pulumi.<stack>.yaml and run the command again."
        )
