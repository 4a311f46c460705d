"""Facts of a good cluster, recorded, and ways to spoil copies of them.

`python -m tests.model.cis.recorder` records those of a running stack.
"""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from model.cis.cluster_facts import ClusterFacts, pod_facts
from model.cis.flags import Flags
from model.cis.machine_facts import File, MachineFacts, parse

RECORDED = Path(__file__).with_name("recorded")
CONTROL_PLANE, WORKER, OBJECTS = "control-plane.txt", "worker.txt", "objects.json"
Spoil = Callable[[MachineFacts], MachineFacts]
SpoilCluster = Callable[[ClusterFacts], ClusterFacts]


def recorded(name: str) -> MachineFacts:
    """Return the facts of a machine as they were recorded."""
    return parse(lines(name), is_control_plane=name == CONTROL_PLANE)


@cache
def control_plane() -> MachineFacts:
    """Return the facts of a control plane."""
    return recorded(CONTROL_PLANE)


@cache
def ideal() -> MachineFacts:
    """Return the facts of a control plane with what only some clusters have: every item passes."""
    return _more(control_plane())


@cache
def worker() -> MachineFacts:
    """Return the facts of a worker."""
    return recorded(WORKER)


@cache
def cluster() -> ClusterFacts:
    """Return the facts of the cluster, with nothing in it but what belongs to every cluster."""
    lists: dict[str, Any] = json.loads((RECORDED / OBJECTS).read_text())
    pods = tuple(pod_facts(pod) for pod in lists.pop("pods"))
    objects = {name: tuple(found) for name, found in lists.items()}
    others: dict[str, Any] = {"pods": pods, "control_planes": (control_plane(),)}
    return ClusterFacts(**objects, **others)


def lines(name: str) -> list[str]:
    """Return the lines that a machine printed."""
    return (RECORDED / name).read_text().splitlines()


def flag(component: str, name: str, value: str | None) -> Spoil:
    """Set a flag of a component; None removes it."""

    def spoil(facts: MachineFacts) -> MachineFacts:
        def changed(flags: Flags) -> Flags:
            kept = tuple(pair for pair in flags.given if pair[0] != name)
            return Flags(kept if value is None else (*kept, (name, value)))

        processes = tuple(map(changed, facts.processes[component]))
        return replace(facts, processes={**facts.processes, component: processes})

    return spoil


def mode(path: str, permissions: int) -> Spoil:
    """Give a file other permissions."""
    return lambda facts: _file(facts, path, replace(facts.files[path], mode=permissions))


def owner(path: str, name: str) -> Spoil:
    """Give a file another owner."""
    return lambda facts: _file(facts, path, replace(facts.files[path], owner=name))


def another_file(path: str, permissions: int = 0o600, name: str = "root:root") -> Spoil:
    """Add a file."""
    return lambda facts: _file(facts, path, File(permissions, name, "f"))


def document(component: str, flag_name: str, change: Callable[[Any], Any]) -> Spoil:
    """Change the document that a flag names."""
    import yaml

    def spoil(facts: MachineFacts) -> MachineFacts:
        def changed(each: Any) -> Any:
            if (each.component, each.flag) != (component, flag_name):
                return each
            return replace(each, text=yaml.safe_dump(change(yaml.safe_load(each.text))))

        return replace(facts, documents=tuple(map(changed, facts.documents)))

    return spoil


def kubelet(path: str, value: object) -> Spoil:
    """Set a field of the kubelet's config; None removes it."""

    def change(config: dict[str, Any]) -> dict[str, Any]:
        *folders, name = path.split(".")
        inner = config
        for key in folders:
            inner = inner.setdefault(key, {})
        if value is None:
            inner.pop(name, None)
        else:
            inner[name] = value
        return config

    return document("kubelet", "config", change)


def _more(facts: MachineFacts) -> MachineFacts:
    plugins = "NodeRestriction,EventRateLimit,DenyServiceExternalIPs,AlwaysPullImages"
    for spoil in (
        flag("kube-apiserver", "enable-admission-plugins", plugins),
        flag("kube-apiserver", "anonymous-auth", "false"),
        # The pod network's plugin creates it with more.
        mode("/var/lib/cni/networks/cbr0/lock", 0o600),
    ):
        facts = spoil(facts)
    return facts


def _file(facts: MachineFacts, path: str, file: File) -> MachineFacts:
    return replace(facts, files={**facts.files, path: file})


def printed(facts: MachineFacts) -> str:
    """Return what a machine with these facts prints."""
    rows = [
        *(
            ("path", f"{file.mode:o}", file.owner, file.kind, path)
            for path, file in facts.files.items()
        ),
        *(("unit", path) for path in facts.units),
        *(
            ("process", name, _encoded("".join(f"{each}\0" for each in (name, *_arguments(flags)))))
            for name, processes in facts.processes.items()
            for flags in processes
        ),
        *(
            ("document", each.component, each.flag, each.path, _encoded(each.text or ""))
            for each in facts.documents
        ),
        *(("provider", word) for word in facts.providers),
        *(("digest", *names, digest) for names, digest in facts.digests.items()),
        ("complete",),
    ]
    return "".join("\t".join(row) + "\n" for row in rows)


def _arguments(flags: Flags) -> list[str]:
    return [f"--{name}={value}" for name, value in flags.given]


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
