"""Questions about audit logs: which events answer each, and what a host can filter for it."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qs

from model.audit import prefilter
from model.audit.events import Event
from model.audit.prefilter import LineFilter, texts
from model.audit.resources import ObjectName

CHANGES = frozenset(("create", "update", "patch", "delete", "deletecollection"))
DELETIONS = frozenset(("delete", "deletecollection"))
READS = frozenset(("get", "list", "watch"))
SESSIONS = frozenset(("exec", "attach", "portforward"))
# What a kubelet is asked through `nodes/proxy`, without a pod's own subresource.
_KUBELET_SESSIONS = ("/exec/", "/attach/", "/portForward/", "/run/")
_REFUSED = (401, 403)
# As admission plugins, policies and webhooks say it, whatever their status code.
_DENIED = (" denied request", " denied the request")
# Objects that are questions, and are not stored.
_REVIEW_GROUPS = ("authentication.k8s.io", "authorization.k8s.io")
DEPRECATED = "k8s.io/deprecated"
REMOVED_RELEASE = "k8s.io/removed-release"


@dataclass(frozen=True)
class Question:
    """What is asked: `matches` decides, `filters` keep at least the lines of these events.

    `for_people` skips a cluster's own parts unless they are requested.
    """

    name: str
    matches: Callable[[Event], bool]
    filters: tuple[LineFilter, ...]
    for_people: bool = False


def changes(wanted: ObjectName | None = None) -> Question:
    """Who changed what."""

    def matches(event: Event) -> bool:
        return _is_change(event) and (wanted is None or _is_about(event, wanted))

    verbs = texts(*(f'"verb":"{verb}"' for verb in sorted(CHANGES)))
    return Question("changes", matches, (*_names(wanted), verbs), for_people=True)


def denied() -> Question:
    """Which requests were refused."""

    def matches(event: Event) -> bool:
        return event.code in _REFUSED or any(each in event.message for each in _DENIED)

    codes = (f'"code":{code}' for code in _REFUSED)
    return Question("denied", matches, (texts(*codes, *_DENIED),))


def secrets(name: str = "") -> Question:
    """Who read a Secret; whoever listed or watched them may have read any of them."""

    def matches(event: Event) -> bool:
        return (
            event.resource == "secrets"
            and not event.api_group
            and event.verb in READS
            and event.is_success
            and (not name or event.name in ("", name))
        )

    return Question(
        "secrets", matches, (texts('"objectRef":{"resource":"secrets"'),), for_people=True
    )


def sessions() -> Question:
    """Who was in a container: `kubectl exec`, `attach`, `port-forward`."""

    def matches(event: Event) -> bool:
        if event.resource == "pods":
            return event.subresource in SESSIONS
        path = event.uri.partition("?")[0]
        return (event.resource, event.subresource) == ("nodes", "proxy") and any(
            each in path for each in _KUBELET_SESSIONS
        )

    subresources = f'"subresource":"({"|".join(sorted((*SESSIONS, "proxy")))})"'
    return Question("exec", matches, (LineFilter((subresources,), is_expression=True),))


def deletions(wanted: ObjectName, namespaces: frozenset[str] = frozenset()) -> Question:
    """Who deleted an object, evicted it, or deleted all that it was among."""

    def matches(event: Event) -> bool:
        if not event.is_success:
            return False
        if event.verb == "delete" and event.resource == "namespaces":
            return event.name in namespaces or _is_about(event, wanted)
        if event.subresource == "eviction":
            return _is_about(event, wanted)
        if event.subresource or event.verb not in DELETIONS:
            return False
        is_one_of_all = event.verb == "deletecollection" and not event.name
        return wanted.has_type(event.resource, event.api_group) and (
            is_one_of_all or event.name == wanted.name
        )

    kinds = texts('"verb":"delete', '"subresource":"eviction"')
    names = prefilter.value("name", sorted({wanted.name, *namespaces}), '"verb":"deletecollection"')
    return Question("who-deleted", matches, (*names, kinds))


def deprecated() -> Question:
    """Who uses versions of APIs that are deprecated."""

    def matches(event: Event) -> bool:
        return event.annotations.get(DEPRECATED) == "true"

    return Question("deprecated", matches, (texts(f'"{DEPRECATED}":"true"'),))


def is_own_part(event: Event) -> bool:
    """Whether a cluster's own part acted, as itself: a node, a controller."""
    return event.user.startswith(prefilter.SYSTEM_USERS) and not event.impersonated


def _is_change(event: Event) -> bool:
    if event.verb not in CHANGES or not event.is_success or not event.resource:
        return False
    if event.api_group in _REVIEW_GROUPS or event.subresource in (*SESSIONS, "proxy"):
        return False
    # The options of a deletion and of an eviction are in the body, whatever the address says.
    has_options_in_uri = event.verb not in DELETIONS and event.subresource != "eviction"
    return not (has_options_in_uri and query(event.uri).get("dryRun") == ["All"])


def query(uri: str) -> dict[str, list[str]]:
    """Return the parameters of a request."""
    try:
        return parse_qs(uri.partition("?")[2], keep_blank_values=True)
    except ValueError:
        return {}


def _is_about(event: Event, wanted: ObjectName) -> bool:
    return wanted.has_type(event.resource, event.api_group) and wanted.name in ("", event.name)


def _names(wanted: ObjectName | None) -> list[LineFilter]:
    return prefilter.value("name", [wanted.name]) if wanted and wanted.name else []
