"""Tokens of the tools that clusters are registered in, as the stack's outputs describe them."""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any, cast

from model.pki.ledger import Ledger, Token, status_of
from model.pki.ledger_facts import Place


def read(outputs: Mapping[str, object], clusters: Collection[str], place: Place) -> Ledger:
    """Return the tokens for these clusters, or for all."""
    found = cast(Mapping[str, Any], outputs.get("registrations") or {})
    tokens = [
        token
        for cluster, tools in found.items()
        if not clusters or cluster in clusters
        for token in _tokens(cluster, tools, place)
    ]
    return Ledger(time=place.now, tokens=tuple(tokens))


def _tokens(cluster: str, tools: Mapping[str, Mapping[str, str]], place: Place) -> Iterator[Token]:
    for tool, its in tools.items():
        issued, expires = (datetime.fromisoformat(its[key]) for key in ("issued", "expires"))
        yield Token(
            cluster=cluster,
            tool=tool,
            secret=its["secret"],
            not_before=issued,
            not_after=expires,
            status=status_of(
                issued, expires, now=place.now, is_authority=False, threshold=place.threshold
            ),
        )
