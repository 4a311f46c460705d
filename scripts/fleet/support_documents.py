"""What `fleet support` archives of this host: the cluster's configuration and its status."""

import base64
import json
import os
from collections.abc import Iterator, Sequence
from typing import Any

from model.config.errors import ROOT
from model.config.resolved_cluster import ResolvedCluster
from model.machine import Machine
from model.redaction.secret_values import SecretValue
from ops.hosts.inventory import InventoryMachine
from ops.pulumi.workspace import open_workspace
from scripts.fleet import explanation, fleet_status
from scripts.fleet.status_cache import StatusCache
from scripts.fleet.targets import Target

PASSPHRASE = "PULUMI_CONFIG_PASSPHRASE"  # noqa: S105 (the name of a variable)
EVENTS = 50
CREDENTIALS = ("client-key-data", "token", "password")


def resolved(stack: str, cluster: str) -> ResolvedCluster:
    """Return a cluster of the stack's file; raises OperatorError or KeyError."""
    return explanation.clusters_of(open_workspace(stack).tracked_config)[cluster]


def config(stack: str, name: str) -> Iterator[tuple[str, str]]:
    """Yield the settings of a cluster, and the documents that follow from them, by path."""
    from model.load import load
    from model.render import kubeadm
    from model.render.machine_files import machine_files
    from ops.pulumi.stack_file import read

    file = open_workspace(stack).tracked_config
    found = explanation.explain(file, explanation.clusters_of(file), name)
    content = found.model_dump(mode="json", by_alias=True)
    yield "settings.json", json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    fleet = load(read(file)["config"][ROOT])
    cluster = next(each for each in fleet.clusters if each.name == name)
    yield "kubeadm-init.yaml", kubeadm.cluster_documents(cluster)
    machines: Sequence[Machine] = (*cluster.control_planes, *cluster.workers)
    for machine in machines:
        yield f"machines/{machine.name}/kubeadm-join.yaml", kubeadm.join_documents(cluster, machine)
        for each in machine_files(cluster, machine):
            yield f"machines/{machine.name}{each.path}", each.content


def status(target: Target, cache: StatusCache, seconds: float) -> Any:
    """Return what `fleet status` says of a cluster; nothing is kept."""
    found = fleet_status.ask([target], seconds, cache).status
    return found.model_dump(mode="json", by_alias=True)


def own_secrets(
    stack: str, machines: Sequence[InventoryMachine], target: Target
) -> Iterator[SecretValue]:
    """Yield the secrets of the program itself that may be in what is read."""
    passwords = {m.known_login.sudo_password for m in machines if m.known_login}
    for password in filter(None, passwords):
        yield SecretValue(b"<redacted:stack:sudo-password>", password.encode())
    for key in CREDENTIALS:
        for value in target.user_values(key):
            yield SecretValue(b"<redacted:kubeconfig:%s>" % key.encode(), value.encode())
            if key.endswith("-data"):
                decoded = base64.b64decode(value)
                yield SecretValue(b"<redacted:kubeconfig:client-key>", decoded)
    if stack:
        passphrase = os.environ.get(PASSPHRASE, "")
        file = open_workspace(stack).passphrase
        if not passphrase and file.is_file():
            passphrase = file.read_text(encoding="utf-8").strip()
        yield SecretValue(b"<redacted:stack:passphrase>", passphrase.encode())
