"""Lines of audit logs as an API server writes them: its order of fields, and its way to escape."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

NOW = datetime(2026, 11, 26, 21, 0, tzinfo=UTC)
# What encoding/json of Go escapes in texts, besides what JSON requires.
_ESCAPED = {
    "<": "\\u003c",
    ">": "\\u003e",
    "&": "\\u0026",
    "\u2028": "\\u2028",
    "\u2029": "\\u2029",
}


def go_json(value: Any) -> str:
    """Encode as encoding/json of Go."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return "".join(_ESCAPED.get(character, character) for character in text)


def stamp(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def line(
    verb: str = "get",
    resource: str = "pods",
    name: str = "",
    *,
    user: str = "alice",
    namespace: str = "shop",
    group: str = "",
    subresource: str = "",
    version: str = "v1",
    code: int = 200,
    message: str = "",
    uri: str = "",
    stage: str = "ResponseComplete",
    audit_id: str = "3f1c1e0e-9d4c-4f5a-8a44-5d9a0a1b2c3d",
    impersonated: str = "",
    agent: str = "kubectl/v1.36.3 (linux/amd64) kubernetes/0000000",
    body: str = "",
    received: datetime = NOW,
    reached: datetime | None = None,
    annotations: dict[str, str] | None = None,
) -> bytes:
    """Return one event with its line break; `body` is the JSON text of the request's object."""
    parts: list[tuple[str, Any]] = [
        ("kind", "Event"),
        ("apiVersion", "audit.k8s.io/v1"),
        ("level", "Request" if body else "Metadata"),
        ("auditID", audit_id),
        ("stage", stage),
        ("requestURI", uri or path(resource, name, namespace, group, version, subresource)),
        ("verb", verb),
        ("user", {"username": user, "groups": ["system:authenticated"]} if user else {}),
    ]
    if impersonated:
        parts.append(("impersonatedUser", {"username": impersonated}))
    parts += [("sourceIPs", ["192.0.2.7"]), ("userAgent", agent)]
    about = {
        "resource": resource,
        "namespace": namespace,
        "name": name,
        "apiGroup": group,
        "apiVersion": version,
        "subresource": subresource,
    }
    if resource:
        parts.append(("objectRef", {key: value for key, value in about.items() if value}))
    failure = {"status": "Failure", "message": message} if message else {}
    parts.append(("responseStatus", {"metadata": {}, **failure, "code": code}))
    fields = [f"{go_json(key)}:{go_json(value)}" for key, value in parts]
    if body:
        fields.append(f'"requestObject":{body}')
    ended = reached or received + timedelta(milliseconds=3)
    fields.append(f'"requestReceivedTimestamp":"{stamp(received)}"')
    fields.append(f'"stageTimestamp":"{stamp(ended)}"')
    if annotations is not None:
        fields.append(f'"annotations":{go_json(annotations)}')
    return ("{" + ",".join(fields) + "}\n").encode(errors="surrogatepass")


def path(
    resource: str, name: str, namespace: str, group: str, version: str, subresource: str
) -> str:
    """Return the path of an object."""
    parts = ["/apis", group, version] if group else ["/api", version]
    parts += ["namespaces", namespace] if namespace else []
    return "/".join(part for part in [*parts, resource, name, subresource] if part)
