"""An issue found by a rule between values, and the values that it depends on."""

from collections.abc import Iterable
from dataclasses import dataclass

from model.config.errors import ConfigProblem, Path, problem_at


@dataclass(frozen=True)
class Issue:
    """A problem, and the paths of all values that it depends on."""

    problem: ConfigProblem
    sources: tuple[Path, ...]


def issue(
    path: Path,
    value: object,
    problem: str,
    *,
    allowed: str,
    example: str,
    sources: Iterable[Path] = (),
) -> Issue:
    """Return an issue at `path` that depends on the value there and on those at `sources`."""
    found = problem_at(path, value, problem, allowed=allowed, example=example)
    return Issue(found, (path, *sources))
