"""Authentication with tokens: the issuers whose tokens API servers accept."""

from typing import Annotated

from pydantic import Field

from model.config.addresses import DNS_LABEL, DNS_NAME
from model.config.field import ScalarField
from model.config.proxy_and_mirrors import Certificates
from model.config.strict import Strict
from model.people import RESERVED

NAME_LENGTH = 256


def _issuer_name(name: str) -> str:
    if name.startswith(RESERVED):
        raise ValueError("names of Kubernetes' own users begin like this")
    return name


def _token_name(name: str) -> str:
    if not name.strip() or name != name.strip() or not name.isprintable():
        raise ValueError("begins or ends with a blank, or is not printable")
    if len(name) > NAME_LENGTH:
        raise ValueError(f"longer than {NAME_LENGTH} characters")
    return name


IssuerName = Annotated[
    str,
    ScalarField(
        "a name of an issuer",
        "lower-case letters, digits and dashes, not beginning with system or kube",
        "corporate",
        pattern=DNS_LABEL,
        check=_issuer_name,
    ),
]
IssuerReference = Annotated[
    str,
    ScalarField(
        "an issuer's name", "a name in authentication.issuers", "corporate", pattern=DNS_LABEL
    ),
]
IssuerUrl = Annotated[
    str,
    ScalarField(
        "the URL of an issuer",
        "an https URL without user, query, fragment and escapes",
        "https://login.example.com",
        # Less than API servers accept: with a file that they reject, they would not start.
        pattern=rf"https://{DNS_NAME}(:\d{{1,5}})?(/[A-Za-z0-9_.~:@!$&'()*+,;=/-]*)?",
    ),
]
Audience = Annotated[
    str, ScalarField("an audience", "text without blanks", "kubernetes", pattern=r"\S+")
]
Claim = Annotated[
    str, ScalarField("a claim", "the name of a claim, without blanks", "sub", pattern=r"\S+")
]
TokenName = Annotated[
    str,
    ScalarField(
        "a name in tokens",
        f"a value of the issuer's claim, of at most {NAME_LENGTH} characters",
        "alice@example.com",
        check=_token_name,
    ),
]


class Issuer(Strict):
    """An OpenID Connect issuer whose ID tokens API servers accept."""

    name: IssuerName = Field(
        description="Its name in `people`. Users and groups of its tokens are named NAME:VALUE."
    )
    url: IssuerUrl = Field(description="Its URL, as in the claim `iss` of its tokens.")
    audiences: list[Audience] = Field(
        description="Accepted audiences: a token's claim `aud` must have one of them.",
        examples=[["kubernetes"]],
    )
    discovery_url: IssuerUrl | None = Field(
        None,
        alias="discoveryURL",
        description="Its discovery document, if that is not below its URL.",
        examples=["https://mirror.example.com/login/openid-configuration"],
    )
    certificate_authority: Certificates | None = Field(
        None,
        description="CA certificates that its TLS certificate is verified with, instead of the "
        "machine's own.",
    )
    username_claim: Claim = Field("sub", description="The claim that names the user.")
    groups_claim: Claim | None = Field(
        None,
        description="The claim that names the user's groups; no groups if unset.",
        examples=["groups"],
    )
    required_claims: dict[Claim, TokenName] = Field(
        default_factory=dict,
        description="Claims that a token must have, with these values.",
        examples=[{"hd": "example.com"}],
    )


class Authentication(Strict):
    """How API servers authenticate requests, beside client certificates."""

    issuers: list[Issuer] | None = Field(
        None,
        description="Issuers of tokens; a cluster's replace the fleet's, [] is none.",
        examples=[
            [
                {
                    "name": "corporate",
                    "url": "https://login.example.com",
                    "audiences": ["kubernetes"],
                    "groupsClaim": "groups",
                }
            ]
        ],
    )


class TokenUser(Strict):
    """A user as an issuer's tokens name them."""

    issuer: IssuerReference = Field(description="The issuer.")
    user: TokenName = Field(description="The value of its `usernameClaim`.")


class TokenHolder(Strict):
    """A user or a group as an issuer's tokens name them: one of `user` and `group`."""

    issuer: IssuerReference = Field(description="The issuer.")
    user: TokenName | None = Field(None, description="The value of its `usernameClaim`.")
    group: TokenName | None = Field(
        None, description="A value of its `groupsClaim`.", examples=["developers"]
    )
