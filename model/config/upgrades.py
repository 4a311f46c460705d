"""Upgrades: the order of clusters, and the rollout speed within them."""

import re
from datetime import datetime
from typing import Annotated

from pydantic import Discriminator, Field, Tag

from model.config.durations import duration
from model.config.field import Flag, ScalarField, between
from model.config.labels_and_taints import LabelKey, LabelValue
from model.config.strict import Strict
from model.selectors import LabelSelector, SelectorError

DRAIN_SECONDS = 120
LONGEST_SECONDS = 7 * 24 * 3600


def parse_percent(value: int | str) -> int | None:
    """Return 25 for "25%"; None for anything that is not a percentage."""
    match = re.fullmatch(r"(\d{1,9})%", str(value))
    return int(match[1]) if match else None


def _check_seconds(seconds: int) -> None:
    if seconds > LONGEST_SECONDS:
        raise ValueError("longer than 7 days")


def _check_drain_seconds(seconds: int) -> None:
    if seconds == 0:
        raise ValueError("no Node could be drained")
    _check_seconds(seconds)


def _selector_text(text: str) -> str:
    try:
        LabelSelector.parse(text)
    except SelectorError as error:
        raise ValueError(f"not a label selector: {error}") from None
    return text


def _max_unavailable(value: int | str) -> int | str:
    percent = parse_percent(value)
    if percent is None and not isinstance(value, int):
        raise ValueError("neither a number nor a percentage")
    if value == 0 or percent == 0:
        raise ValueError("no worker could be updated")
    if percent is not None and percent > 100:
        raise ValueError("more than 100%")
    if percent is None:
        between(1, 5000)(int(value))
    return value


# Not read as a time by YAML, in any of its versions; its order as text is that of time.
SECURITY_UPDATES_FORMAT = "%Y%m%dT%H%M%SZ"


def _security_updates(text: str) -> str:
    if text and not re.fullmatch(r"\d{8}T\d{6}Z", text, re.ASCII):
        raise ValueError("not a time of this form")
    try:
        if text:
            datetime.strptime(text, SECURITY_UPDATES_FORMAT)
    except ValueError:
        raise ValueError("not a time that exists") from None
    return text


Seconds = Annotated[int | str, duration("at most 7 days", "120s", _check_seconds)]
DrainSeconds = Annotated[
    int | str, duration("from 1 s to 7 days", "120s", _check_drain_seconds, least=1)
]
MaxUnavailable = Annotated[
    int | str,
    ScalarField(
        "a number or a percentage",
        "a whole number from 1 to 5000, or 1% to 100%",
        "25%",
        (int, str),
        check=_max_unavailable,
        schema={"pattern": r"^\d{1,3}%$", "minimum": 1},
    ),
]


SecurityUpdates = Annotated[
    str,
    ScalarField(
        "a time",
        "year, month, day, T, hours, minutes, seconds, Z (UTC), as `fleet patch` writes it",
        "20261126T214000Z",
        check=_security_updates,
        schema={"pattern": r"^(\d{8}T\d{6}Z)?$"},
    ),
]


class RolloutStrategy(Strict):
    """The rollout speed within a cluster."""

    max_unavailable: MaxUnavailable | None = Field(
        None, description="Workers updated at the same time: a number or a percentage (default 1)."
    )
    drain_timeout: DrainSeconds | None = Field(
        None,
        description="The timeout for draining a Node, in seconds or with a unit "
        f"(default {DRAIN_SECONDS}).",
    )
    force: Flag | None = Field(
        None,
        description="Delete pods that a PodDisruptionBudget still blocks after the drain timeout "
        "(default false).",
    )
    security_updates: SecurityUpdates | None = Field(
        None,
        description="All machines get the security updates of their operating systems that are "
        "available at this time or later; `fleet patch` writes it. A later time is the next round.",
    )


# The tags separate pydantic's errors and are removed from config paths.
UNION_TAGS = ("[labels]", "[text]", "[list]")
SelectorText = Annotated[
    str,
    ScalarField(
        "a label selector",
        "a label selector in kubectl's form, or a mapping of labels",
        "environment in (test,staging)",
        check=_selector_text,
    ),
]
Labels = dict[LabelKey, LabelValue]
Selector = Annotated[
    Annotated[Labels, Tag("[labels]")] | Annotated[SelectorText, Tag("[text]")],
    Discriminator(lambda value: "[labels]" if isinstance(value, dict) else "[text]"),
]
Selectors = Annotated[
    Annotated[Labels, Tag("[labels]")]
    | Annotated[SelectorText, Tag("[text]")]
    | Annotated[list[Selector], Tag("[list]")],
    Discriminator(
        lambda value: {dict: "[labels]", list: "[list]"}.get(type(value), "[text]"),
    ),
]


def label_selector(selector: Labels | str) -> LabelSelector:
    """Return a selector of the config, which has one of two forms."""
    if isinstance(selector, str):
        return LabelSelector.parse(selector)
    return LabelSelector.from_object({"matchLabels": selector})


class Upgrades(RolloutStrategy):
    """The rollout order of clusters, and the rollout speed within them."""

    canaries: Selectors = Field(
        default_factory=list,
        description="Label selector of the clusters updated first, as a mapping of labels or in "
        "kubectl's form (`environment in (test,staging),!legacy`); a list defines several waves.",
        examples=[{"environment": "staging"}],
    )
    soak: Seconds = Field(
        0,
        description="How long a wave must be healthy before the next one starts, in seconds or "
        "with a unit.",
    )
