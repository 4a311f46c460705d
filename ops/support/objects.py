"""All objects of a cluster, of every kind that its API lists, without secrets; and its events."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from model.redaction.objects import ObjectRedactor
from ops import fan_out
from ops.kube import events
from ops.kube.errors import ApiError
from ops.kube.events import Event
from ops.support.api import Api
from ops.support.collection import Collection, Ended

SOURCE = "api"
PARALLEL = 6
# Of one kind.
MOST_BYTES = 32 << 20
# Reviews are no objects, and these are others' objects once more.
SKIPPED = {("", "componentstatuses"), ("", "bindings"), ("events.k8s.io", "events")}
# These say what is wrong, so they come first.
FIRST = ("nodes", "events", "pods", "deployments", "daemonsets")
TEXTS = {
    "readyz.txt": "/readyz?verbose",
    "livez.txt": "/livez?verbose",
    "version.json": "/version",
    "metrics-of-requests-under-way.txt": "/debug/api_priority_and_fairness/dump_priority_levels",
}


@dataclass(frozen=True)
class Resource:
    """A kind of objects: its group ("" for the core), version, and name in paths."""

    group: str
    version: str
    name: str
    kind: str

    @property
    def path(self) -> str:
        """Where the API lists them."""
        before = f"/apis/{self.group}" if self.group else "/api"
        return f"{before}/{self.version}/{self.name}"

    @property
    def file(self) -> str:
        """Where the archive has them."""
        return f"{SOURCE}/{self.group or 'core'}/{self.version}/{self.name}.json"


def gather(api: Api, redactor: ObjectRedactor, collection: Collection, seconds: float) -> None:
    """Read everything that the API lists; what it refuses is missing. Raises ApiError."""
    for name, path in TEXTS.items():
        try:
            # A check that fails is an error of HTTP, whose text is what is wanted.
            text = api.client.text(path)
        except ApiError as error:
            text = error.message
        collection.add(SOURCE, f"{SOURCE}/{name}", str(redactor.value(text)).encode())
    resources = sorted(discovered(api, collection), key=_order)
    collection.expect(SOURCE, [each.file for each in resources])
    collection.done(SOURCE)

    def read(resource: Resource) -> None:
        try:
            _read(api, resource, redactor, collection)
        except ApiError as error:
            collection.miss(SOURCE, resource.file, str(redactor.value(str(error))))

    for answer in fan_out.ask(resources, read, seconds, parallel=PARALLEL):
        if answer.error and not isinstance(answer.error, fan_out.Late | Ended):
            # An answer that is none of the API's.
            reason = f"{type(answer.error).__name__}: {redactor.value(str(answer.error))}"
            collection.miss(SOURCE, answer.target.file, reason)


def discovered(api: Api, collection: Collection) -> Iterator[Resource]:
    """Yield what the API lists, each kind in its preferred version."""
    versions = [("", "v1", "/api/v1")]
    for group in api.client.get("/apis").get("groups") or ():
        preferred = group["preferredVersion"]
        versions.append((group["name"], preferred["version"], f"/apis/{preferred['groupVersion']}"))
    for group_name, version, path in versions:
        try:
            listed = api.client.get(path).get("resources") or ()
        except ApiError as error:
            # An aggregated API whose server does not answer.
            collection.miss(SOURCE, f"{SOURCE}/{group_name or 'core'}/{version}", str(error))
            continue
        for each in listed:
            name = each["name"]
            is_wanted = "list" in (each.get("verbs") or ()) and "/" not in name
            if is_wanted and (group_name, name) not in SKIPPED:
                yield Resource(group_name, version, name, each["kind"])


def _order(resource: Resource) -> tuple[int, str]:
    position = FIRST.index(resource.name) if resource.name in FIRST else len(FIRST)
    return position, resource.file


def _read(api: Api, resource: Resource, redactor: ObjectRedactor, collection: Collection) -> None:
    kind = resource.kind if not resource.group else ""
    size, separator, found = 0, "", []
    collection.add(SOURCE, resource.file, b'{"apiVersion": "v1", "kind": "List", "items": [\n')
    for item in api.items(resource.path):
        clean = redactor.object(item, kind)
        if kind == "Event" and (event := events.read(clean)):
            found.append(event)
        text = f"{separator}{json.dumps(clean, indent=1, ensure_ascii=False)}".encode(
            errors="replace"
        )
        size, separator = size + len(text), ",\n"
        if size > MOST_BYTES:
            reason = f"only the first {MOST_BYTES >> 20} MiB"
            collection.add(SOURCE, resource.file, b"", cut=reason)
            break
        collection.add(SOURCE, resource.file, text)
    collection.add(SOURCE, resource.file, b"\n]}\n")
    if kind == "Event":
        lines = "".join(map(_line, sorted(found, key=lambda event: event.time)))
        collection.add(SOURCE, f"{SOURCE}/events.txt", lines.encode(errors="replace"))
    collection.done(resource.file)


def _line(event: Event) -> str:
    times = f" ({event.count} times)" if event.count > 1 else ""
    return (
        f"{event.time:%Y-%m-%dT%H:%M:%SZ} {event.kind} {event.reason} {event.subject}: "
        f"{event.message}{times}\n"
    )
