"""People: who has access to which clusters, and what they may do there."""

from typing import Annotated

from pydantic import Field

from model.config.addresses import DNS_LABEL, DNS_NAME
from model.config.authentication import TokenHolder, TokenUser
from model.config.durations import duration
from model.config.field import Flag, ScalarField
from model.config.strict import Strict
from model.config.upgrades import SelectorText
from model.people import BUILT_IN_ROLES, RESERVED

NAME_LENGTH = 63
# The administrator's context of a cluster is <cluster>-admin.
ADMINISTRATOR = "admin"
SHORTEST_SECONDS, LONGEST_SECONDS = 600, 90 * 24 * 3600


def _name(name: str) -> str:
    if len(name) > NAME_LENGTH:
        raise ValueError(f"longer than {NAME_LENGTH} characters")
    return name


def _user_name(name: str) -> str:
    if name == ADMINISTRATOR:
        raise ValueError("the administrator's context has this name")
    if name.startswith(RESERVED):
        raise ValueError("names of Kubernetes' own users begin like this")
    return _name(name)


def _role_name(name: str) -> str:
    if name in BUILT_IN_ROLES:
        raise ValueError("a built-in role has this name")
    return _name(name)


def _lifetime(seconds: int) -> None:
    if not SHORTEST_SECONDS <= seconds <= LONGEST_SECONDS:
        raise ValueError("shorter than 10 minutes or longer than 90 days")


_ALLOWED = f"a lower-case DNS name of at most {NAME_LENGTH} characters"
UserName = Annotated[
    str,
    ScalarField(
        "a user name",
        f"{_ALLOWED}, neither admin nor beginning with system or kube",
        "alice",
        pattern=DNS_NAME,
        check=_user_name,
    ),
]
GroupName = Annotated[
    str, ScalarField("a name of a group", _ALLOWED, "developers", pattern=DNS_NAME, check=_name)
]
OwnRoleName = Annotated[
    str,
    ScalarField(
        "a role name",
        f"{_ALLOWED}, other than {', '.join(BUILT_IN_ROLES)}",
        "deployer",
        pattern=DNS_NAME,
        check=_role_name,
    ),
]
RoleName = Annotated[
    str,
    ScalarField(
        "a role name",
        f"{', '.join(BUILT_IN_ROLES)}, or a key of people.roles",
        "view",
        pattern=DNS_NAME,
    ),
]
Namespace = Annotated[
    str, ScalarField("a namespace", "the name of a namespace", "shop", pattern=DNS_LABEL)
]
ClusterReference = Annotated[
    str, ScalarField("a cluster's name", "a key of clusters", "cluster1", pattern=DNS_LABEL)
]
Lifetime = Annotated[
    int | str,
    duration("from 10 minutes to 90 days", "8h", _lifetime, least=SHORTEST_SECONDS),
]
Word = Annotated[
    str,
    ScalarField("a word of a rule", "text without blanks", "pods", pattern=r"\S+"),
]
ApiGroup = Annotated[
    str,
    ScalarField(
        "an API group", 'an API group, "" for the core group, "*" for all', "apps", pattern=r"\S*"
    ),
]


class PolicyRule(Strict):
    """A rule of RBAC: verbs on resources, or on URLs that are no resources."""

    api_groups: list[ApiGroup] | None = Field(
        None, description='API groups; "" is the core group.', examples=[["apps"]]
    )
    resources: list[Word] | None = Field(
        None, description="Resources.", examples=[["deployments", "deployments/scale"]]
    )
    resource_names: list[Word] | None = Field(
        None, description="Names of objects; all if unset.", examples=[["web"]]
    )
    non_resource_urls: list[Word] | None = Field(
        None,
        alias="nonResourceURLs",
        description="URLs that are no resources; they need no apiGroups.",
        examples=[["/metrics"]],
    )
    verbs: list[Word] = Field(description="Verbs.", examples=[["get", "list", "watch"]])


class OwnRole(Strict):
    """A role of one's own."""

    rules: list[PolicyRule] = Field(
        description="What it allows, as in a ClusterRole.",
        examples=[[{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get"]}]],
    )


class AccessEntry(Strict):
    """A role in clusters: in all of them unless `clusters` or `selector` names some."""

    role: RoleName = Field(description="The role.")
    clusters: list[ClusterReference] | None = Field(
        None, description="Names of the clusters.", examples=[["cluster1"]]
    )
    selector: SelectorText | None = Field(
        None, description="Label selector of the clusters, in kubectl's form."
    )
    namespaces: list[Namespace] | None = Field(
        None,
        description="Only in these namespaces, which are created if they are missing and are "
        "never deleted; in the whole cluster if unset.",
        examples=[["shop"]],
    )


_EXAMPLE = [[{"role": "view", "selector": "environment=dev"}]]


class Group(Strict):
    """Access that several people have; certificates do not name it."""

    access: list[AccessEntry] = Field(description="Its members' access.", examples=_EXAMPLE)
    tokens: list[TokenHolder] = Field(
        default_factory=list,
        description="Users and groups of issuers' tokens that have it, too, without a certificate.",
        examples=[[{"issuer": "corporate", "group": "developers"}]],
    )


class User(Strict):
    """A person."""

    groups: list[GroupName] = Field(
        default_factory=list, description="Groups of `people.groups`.", examples=[["developers"]]
    )
    access: list[AccessEntry] = Field(
        default_factory=list, description="Access beside that of the groups.", examples=_EXAMPLE
    )
    lifetime: Lifetime | None = Field(
        None,
        description="How long a certificate of theirs is valid (default: 8h, or 7d with the "
        "roles view, auditor and watcher only).",
    )
    tokens: list[TokenUser] = Field(
        default_factory=list,
        description="The same person in issuers' tokens.",
        examples=[[{"issuer": "corporate", "user": "alice@example.com"}]],
    )
    revoked: Flag = Field(
        False,
        description="Whether their access has ended, with or without a certificate; `fleet revoke` "
        "sets it. Without it, they get another CA.",
    )


class People(Strict):
    """The people who have access to clusters, beside the administrator."""

    users: dict[UserName, User] = Field(
        default_factory=dict,
        description="The people, by the user name of their certificates.",
        examples=[{"alice": {"groups": ["developers"]}}],
    )
    groups: dict[GroupName, Group] = Field(
        default_factory=dict,
        description="Groups of people, by name.",
        examples=[{"developers": {"access": _EXAMPLE[0]}}],
    )
    roles: dict[OwnRoleName, OwnRole] = Field(
        default_factory=dict,
        description="Roles of your own, by name.",
        examples=[
            {"deployer": {"rules": [{"apiGroups": ["apps"], "resources": ["*"], "verbs": ["get"]}]}}
        ],
    )
