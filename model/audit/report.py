"""The document that `fleet audit -o json` prints.

Its fields are those of the schema in docs/audit.schema.json.
"""

from datetime import datetime

from pydantic import Field

from model.report import MachineEntry, ReportEntry, Unreadable


class AuditEvent(MachineEntry):
    """A request that answers the question; `node` is the control plane that served it."""

    audit_id: str = Field(description="Its ID; a client may choose it.")
    time: datetime = Field(description="When it was received, by the API server's clock.")
    ended: datetime | None = Field(
        description="When it was answered; null while a session or a watch continues."
    )
    user: str = Field(description="Who made it; empty if it was not authenticated.")
    impersonated_user: str = Field(description="Whom the user acted as; empty if as itself.")
    verb: str = Field(description="As for authorization: get, list, watch, create, and so on.")
    resource: str = Field(description="The resource; empty if the request is for no object.")
    subresource: str = Field(description="Such as exec, eviction or scale; may be empty.")
    namespace: str = Field(description="The namespace; may be empty.")
    name: str = Field(description="The object; empty if there are several, or if it has none yet.")
    api_group: str = Field(description="The API group; empty for the core one.")
    api_version: str = Field(description="The version of the API.")
    code: int = Field(description="The response's status code; 0 if there is none.")
    message: str = Field(description="Why the API server refused it; may be empty.")
    decision: str = Field(description="The authorizer's: allow or forbid; may be empty.")
    changed_fields: tuple[str, ...] = Field(description="What a patch changes, at most 20 paths.")
    container: str = Field(description="Of a session: the container; may be empty.")
    command: tuple[str, ...] = Field(description="Of a session: what was executed.")
    source_ips: tuple[str, ...] = Field(description="Where it came from, the client first.")
    user_agent: str = Field(description="What the client says that it is.")
    uri: str = Field(description="The requested path and its parameters.")


class DeprecatedClient(ReportEntry):
    """Requests of one client for a deprecated version of an API."""

    cluster: str = Field(description="The cluster.")
    user: str = Field(description="Who made them.")
    user_agent: str = Field(description="What the client says that it is.")
    resource: str = Field(description="The resource.")
    api_group: str = Field(description="The API group; empty for the core one.")
    api_version: str = Field(description="The deprecated version.")
    removed_release: str = Field(description="The Kubernetes release without it; may be empty.")
    requests: int = Field(description="How many.")
    first: datetime = Field(description="When the first one was received.")
    last: datetime = Field(description="When the last one was received.")


class LogSource(MachineEntry):
    """The audit log of a control plane, which was read to its end."""

    begins: datetime | None = Field(description="Its oldest event; null if there is none.")
    skipped_lines: int = Field(description="Lines among those wanted that are no complete event.")


class AuditReport(ReportEntry):
    """The answer, oldest events first."""

    time: datetime = Field(description="When it was asked.")
    question: str = Field(description="The subcommand.")
    since: datetime | None = Field(description="From when on; null: from the logs' beginning.")
    until: datetime | None = Field(description="Until when; null: until now.")
    events: tuple[AuditEvent, ...] = Field((), description="The newest; none for `deprecated`.")
    clients: tuple[DeprecatedClient, ...] = Field((), description="The answer to `deprecated`.")
    is_truncated: bool = Field(description="Whether there is more than --limit allows.")
    sources: tuple[LogSource, ...] = Field((), description="The logs that were read.")
    unreadable: tuple[Unreadable, ...] = Field((), description="What could not be read.")
