"""The texts of the page in one language, with dates and numbers as it writes them."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from model.config.errors import visible

FOLDER = Path(__file__).parent / "messages"
LANGUAGES = tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))
DAY, HOUR, MINUTE = 86_400, 3_600, 60
MIB = 1 << 20


@dataclass(frozen=True)
class Words:
    """A catalogue; the name of a language is that of its file."""

    language: str
    texts: Mapping[str, str]

    @staticmethod
    def of(language: str) -> "Words":
        """Return the catalogue of a language."""
        return Words(language, catalogue(language))

    def __call__(self, key: str, **values: object) -> str:
        """Return a text with these values in it."""
        return self.texts[key].format_map(
            {name: visible(str(each)) for name, each in values.items()}
        )

    def count(self, key: str, number: int, **values: object) -> str:
        """Return a text about so many things."""
        return self(f"{key}.{'one' if number == 1 else 'other'}", count=f"{number:,}", **values)

    def names(self, names: "list[str] | tuple[str, ...]", most: int = 5) -> str:
        """Return the first of these names, and how many more there are."""
        listed = self("list.comma").join(map(visible, names[:most]))
        rest = len(names) - most
        return self.count("list.more", rest, names=listed) if rest > 0 else listed

    def time(self, time: datetime | None) -> str:
        """Return a time in UTC, to the minute."""
        return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if time else self("unknown")

    def date(self, time: datetime | None) -> str:
        """Return a date in UTC."""
        return f"{time.astimezone(UTC):%Y-%m-%d}" if time else self("unknown")

    def duration(self, seconds: float) -> str:
        """Return how long something is, in its largest unit."""
        whole = abs(int(seconds))
        for unit, size, least in (("days", DAY, 2 * DAY), ("hours", HOUR, HOUR)):
            if whole >= least:
                return self.count(f"duration.{unit}", whole // size)
        return self.count("duration.minutes", whole // MINUTE)


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """Return the texts of a language by their keys, such as `grades.title`."""
    return dict(_flat("", tomllib.loads((FOLDER / f"{language}.toml").read_text("utf-8"))))


def _flat(prefix: str, table: Mapping[str, object]) -> "list[tuple[str, str]]":
    found: list[tuple[str, str]] = []
    for key, value in table.items():
        name = f"{prefix}{key}"
        found += _flat(f"{name}.", value) if isinstance(value, dict) else [(name, str(value))]
    return found
