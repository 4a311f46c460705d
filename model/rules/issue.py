"""What a rule between values has found, and which values it was concluded from."""

from collections.abc import Iterable
from dataclasses import dataclass

from model.config.errors import ConfigProblem, Path, problem_at


@dataclass(frozen=True)
class Issue:
    """A problem, and the paths of all values that it was concluded from."""

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
    """Return a finding at `path`, concluded from the value there and from those of `about`."""
    said = problem_at(path, value, problem, allowed=allowed, example=example)
    return Issue(said, (path, *sources))
