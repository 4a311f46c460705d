"""An issuer of tokens that API servers accept."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Issuer:
    """An OpenID Connect issuer; `groups_claim`, `discovery_url` and the CA are "" without one.

    Users and groups of its tokens get its name as a prefix: they are nobody else's.
    """

    name: str
    url: str
    audiences: tuple[str, ...]
    discovery_url: str = ""
    certificate_authority: str = ""
    username_claim: str = "sub"
    groups_claim: str = ""
    required_claims: Mapping[str, str] = field(default_factory=dict)

    @property
    def prefix(self) -> str:
        """What the names of its users and groups begin with."""
        return prefix_of(self.name)


def prefix_of(name: str) -> str:
    """Return what the names of an issuer's users and groups begin with."""
    return f"{name}:"
