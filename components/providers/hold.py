"""The hold of a wave, for which rollouts of later waves wait."""

from typing import TypedDict

# `for` is a keyword.
Hold = TypedDict("Hold", {"until": str, "for": list[str]}, total=False)
Hold.__doc__ = "`until` (ISO 8601) the clusters in `for` must stay healthy; empty if nobody waits."
