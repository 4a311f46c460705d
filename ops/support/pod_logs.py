"""Logs of the pods in kube-system as the API has them: of machines that nobody logs in to."""

from collections.abc import Collection as Names
from collections.abc import Iterator
from dataclasses import dataclass

from model.redaction.text import TextRedactor
from ops import fan_out
from ops.kube.errors import ApiError
from ops.support.api import Api
from ops.support.collection import Collection
from ops.support.machine_parts import is_component
from ops.support.machines import safe

SOURCE = "pod-logs"
PODS = "/api/v1/namespaces/kube-system/pods"
PARALLEL = 6
LINES, BYTES = 5000, 2 << 20


@dataclass(frozen=True)
class ContainerLog:
    """The log of a container, or of its previous run."""

    pod: str
    container: str
    is_previous: bool

    @property
    def file(self) -> str:
        """Where the archive has it."""
        run = "previous" if self.is_previous else "current"
        return safe(f"{SOURCE}/{self.pod}/{self.container}/{run}.log")


def gather(
    api: Api, nodes: Names[str] | None, redactor: TextRedactor, collection: Collection,
    seconds: float, *, has_values: bool,
) -> None:  # fmt: skip
    """Read the logs of pods on these Nodes, on all of them if None; raises ApiError.

    Without the values of Secrets, logs are read only of pods that do not have them.
    """
    pods = [
        pod
        for pod in api.items(PODS)
        if (nodes is None or pod["spec"].get("nodeName") in nodes)
        and (has_values or is_component(pod["metadata"]["name"]))
    ]
    logs = [log for pod in pods for log in _logs(pod)]
    collection.expect(SOURCE, [log.file for log in logs])
    collection.done(SOURCE)

    def read(log: ContainerLog) -> None:
        path = f"{PODS}/{log.pod}/log"
        query = {"tailLines": LINES, "limitBytes": BYTES, "container": log.container}
        try:
            text = api.client.text(
                path, **query, **({"previous": "true"} if log.is_previous else {})
            )
        except ApiError as error:
            collection.miss(SOURCE, log.file, redactor.text(str(error)))
            return
        stream = redactor.stream()
        content = stream.feed(text.encode(errors="replace")) + stream.finish()
        collection.add(SOURCE, log.file, content)
        collection.done(log.file)

    fan_out.ask(logs, read, seconds, parallel=PARALLEL)


def _logs(pod: dict[str, object]) -> Iterator[ContainerLog]:
    metadata, status = pod["metadata"], pod.get("status") or {}
    assert isinstance(metadata, dict) and isinstance(status, dict)
    for key in ("initContainerStatuses", "containerStatuses"):
        for each in status.get(key) or ():
            yield ContainerLog(metadata["name"], each["name"], is_previous=False)
            if each.get("restartCount"):
                yield ContainerLog(metadata["name"], each["name"], is_previous=True)
