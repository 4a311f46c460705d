"""What an audit policy logs: the level of a request, by the first rule that matches it.

https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/
"""

from collections.abc import Iterator
from dataclasses import dataclass

from model.api_objects import Object

LEVELS = ("None", "Metadata", "Request", "RequestResponse")
# A user whom no rule names: rules about certain users are about others.
NOBODY = "cis-benchmark"


@dataclass(frozen=True)
class Request:
    """A request of an ordinary user."""

    verb: str
    group: str
    resource: str


SENSITIVE = (
    *(Request(verb, "", "secrets") for verb in ("get", "list", "create", "update", "delete")),
    *(Request(verb, "", "configmaps") for verb in ("create", "update", "delete")),
    Request("create", "authentication.k8s.io", "tokenreviews"),
    Request("create", "", "serviceaccounts/token"),
)
# Those with a body that holds a secret or a token.
BODIES = tuple(each for each in SENSITIVE if each.resource != "configmaps")
SESSIONS = tuple(
    Request(verb, "", f"pods/{what}")
    for what in ("exec", "attach", "portforward")
    for verb in ("get", "create")
)
WRITES = tuple(
    Request(verb, group, resource)
    for group, resource in (
        ("", "pods"),
        ("apps", "deployments"),
        ("rbac.authorization.k8s.io", "clusterrolebindings"),
    )
    for verb in ("create", "update", "patch", "delete")
)


def gaps(policy: Object) -> Iterator[str]:
    """Yield what a policy logs too little of, or too much."""
    for what, requests in (
        ("secrets, tokens and ConfigMaps", SENSITIVE),
        ("exec, attach and port-forward", SESSIONS),
        ("writes", WRITES),
    ):
        missing = {each.resource for each in requests if level(policy, each) == "None"}
        if missing:
            yield f"{what} are not logged: {', '.join(sorted(missing))}"
    bodies = {each.resource for each in BODIES if LEVELS.index(level(policy, each)) > 1}
    if bodies:
        yield f"bodies with secrets are logged: {', '.join(sorted(bodies))}"


def level(policy: Object, request: Request) -> str:
    """Return the level at which a request is logged."""
    for rule in policy.get("rules") or ():
        if _matches(rule, request):
            found = rule.get("level")
            return found if found in LEVELS else "None"
    return "None"


def _matches(rule: Object, request: Request) -> bool:
    if rule.get("users") and NOBODY not in rule["users"]:
        return False
    if rule.get("userGroups") and "system:authenticated" not in rule["userGroups"]:
        return False
    if rule.get("namespaces"):
        return False
    if rule.get("verbs") and request.verb not in rule["verbs"]:
        return False
    resources = rule.get("resources")
    if not resources:
        return not rule.get("nonResourceURLs")
    return any(_names(each, request) for each in resources)


def _names(entry: Object, request: Request) -> bool:
    """Whether an entry names the resource, as API servers compare them."""
    main, _, sub = request.resource.partition("/")
    patterns = {request.resource, "*", f"{main}/*", *((f"*/{sub}",) if sub else ())}
    names = entry.get("resources") or ()
    return entry.get("group", "") in (request.group, "*") and (
        not names or (bool(patterns & set(names)) and not entry.get("resourceNames"))
    )
