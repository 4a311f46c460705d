"""Two changes at once: both reach every machine that each of them alone would reach."""

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest

from ops.rollout import actions, readiness
from ops.rollout.observed import ObservedMachine
from tests.ops.rollout.examples import CLUSTER, ISSUER, inputs
from tests.ops.rollout.fakes import FakeFleet, alike, run

NEWER = "v1.37.2"
STOPPED = {"containerd": "active", "kubelet": "inactive"}
Props = Any
Found = dict[str, ObservedMachine]


def _parts(**parts: str) -> Callable[[Props, Found], None]:
    def change(props: Props, _found: Found) -> None:
        for machine in props["machines"].values():
            known = machine["files"]["parts"]
            known |= {part: digest for part, digest in parts.items() if _has(machine, part)}

    return change


def _has(machine: Any, part: str) -> bool:
    of_control_planes = ("kubeadm", "authentication", "components", "load-balancer", "renewal")
    return machine["role"] == "control-plane" or part not in of_control_planes


def _input(**changes: Any) -> Callable[[Props, Found], None]:
    return lambda props, _found: props.update(changes)


def _label(props: Props, _found: Found) -> None:
    for machine in props["machines"].values():
        machine["labels"]["rack"] = "7"


def _kubelet_of_pool(props: Props, _found: Found) -> None:
    for machine in props["machines"].values():
        if machine["role"] == "worker":
            machine["kubelet"] = "syncFrequency: 30s"
            machine["files"]["parts"]["kubelet-patch"] = "p2"


def _found(change: Callable[[ObservedMachine], ObservedMachine]) -> Callable[[Props, Found], None]:
    return lambda _props, found: found.update(
        {name: change(each) for name, each in found.items() if "worker" in name}
    )


def _on_control_planes(**changes: Any) -> Callable[[Props, Found], None]:
    return lambda _props, found: found.update(
        {name: replace(each, **changes) for name, each in found.items() if "control" in name}
    )


def _cordoned(each: ObservedMachine) -> ObservedMachine:
    return replace(each, node=each.node and replace(each.node, cordoned=True))


# What makes each row necessary.
CHANGES: dict[str, Callable[[Props, Found], None]] = {
    "kernel": _parts(kernel="s2"),
    "permissions": _found(
        lambda each: replace(each, exposed={"/etc/x": "mode 644 instead of 600"})
    ),
    "mirrors": _parts(mirrors="m2"),
    "container-runtime": _parts(containerd="c2"),
    "kubeadm": _parts(kubeadm="a2"),
    "authentication": _parts(authentication="i2"),
    "client-authorities": _input(client_file="f2", client_set="s2", client_authorities="two CAs"),
    "component-files": _parts(components="n2"),
    "api-server-secrets": _input(secrets_digest="x2"),
    "images": _found(lambda each: replace(each, images={"pause:3": "missing"})),
    "leaves": _on_control_planes(invalid_certificates={"apiserver": "is missing"}),
    "kubelet-certificate": _found(
        lambda each: replace(each, invalid_certificates={"kubelet-client": "is missing"})
    ),
    "kubelet-patch": _kubelet_of_pool,
    "serving-certificate": _found(lambda each: replace(each, serving=None)),
    "upgrade": _input(version=NEWER),
    "repair": _found(lambda each: replace(each, services=STOPPED)),
    "control-plane": _input(
        cluster_document=f"{CLUSTER}  certSANs: [api.example.com]\n",
    ),
    "kubelet-unit": _parts(kubelet="k2"),
    "kubelet": _input(kubelet_document="maxPods: 50"),
    # After the other settings of the same document.
    "kubelet-records": _input(kubelet_document="maxPods: 50\ncpuManagerPolicy: static"),
    "load-balancer": _parts(**{"load-balancer": "l2"}),
    "renewal": _parts(renewal="r2"),
    "drift": _parts(drift="d2"),
    "pod-network": _input(plugin="canal"),
    "register": _found(lambda each: replace(each, node=None)),
    "metadata": _label,
    "uncordon": _found(_cordoned),
    "trust": _input(trusted={"control-plane": "t2", "worker": "w1"}),
    "former-leaves": _input(signers={"ca": ISSUER, "etcd-ca": "e2", "front-proxy-ca": "p1"}),
    "kubelet-trust": _found(lambda each: replace(each, kubelet_ca="former")),
    "security-updates": _input(security_updates="20261126T214000Z"),
    "update-policy": _parts(**{"update-policy": "u2"}),
    "cleanup": _found(lambda each: replace(each, cleanup_pending=True)),
}
# Rows whose work an upgrade includes.
INCLUDED = ("kubelet", "kubelet-records")
# The operations that do each row's work.
OPERATIONS = {
    "kernel": {"apply_files kernel"},
    "permissions": {"apply_permissions"},
    "mirrors": {"apply_files mirrors"},
    "container-runtime": {"apply_files containerd proxy"},
    "kubeadm": {"apply_files kubeadm"},
    "authentication": {"apply_files authentication"},
    "client-authorities": {"apply_client_authorities"},
    "component-files": {"apply_files components"},
    "api-server-secrets": {"apply_api_server_secrets"},
    "images": {"restore_images"},
    "leaves": {"issue_invalid_leaves"},
    "kubelet-certificate": {"install_kubelet_certificate"},
    "kubelet-patch": {"apply_files kubelet-patch"},
    "serving-certificate": {"renew_serving"},
    "upgrade": {"upgrade_first", "upgrade_control_plane", "upgrade_kubelet"},
    "repair": {"repair"},
    "control-plane": {"apply_control_plane"},
    "kubelet-unit": {"apply_files kubelet"},
    "kubelet": {"apply_kubelet"},
    "kubelet-records": {"apply_kubelet"},
    "load-balancer": {"apply_files load-balancer"},
    "renewal": {"apply_files renewal"},
    "drift": {"apply_files drift"},
    "pod-network": {"register"},
    "register": {"register"},
    "metadata": {"set_metadata"},
    "uncordon": {"uncordon"},
    "trust": {"apply_trust"},
    "former-leaves": {"renew_former_leaves"},
    "kubelet-trust": {"reread_trust"},
    "security-updates": {"install_patches"},
    "update-policy": {"apply_files update-policy"},
    "cleanup": {"clean"},
}


def reached(*rows: str) -> dict[str, set[str]]:
    """The machines that each row's operation reaches if all of these are necessary at once."""
    props, found = inputs(), alike(inputs())
    for row in rows:
        CHANGES[row](props, found)
    fleet = FakeFleet(props, found)
    assert run(fleet)
    assert not run(fleet), "something is left"
    return {row: {name for call, name in fleet.calls if call in OPERATIONS[row]} for row in rows}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "READY_SECONDS", 0)


def test_every_row_is_in_the_table() -> None:
    of_clusters = {"documents", "published-authorities", "stored-secrets", "unfinished"}
    assert {kind.name for kind in actions.ACTIONS} - of_clusters == {*CHANGES}


@pytest.mark.parametrize(("one", "other"), [*combinations(CHANGES, 2)])
def test_both_changes_reach_their_machines(one: str, other: str) -> None:
    both = reached(one, other)
    for row in (one, other):
        alone = reached(row)[row]
        assert alone, f"{row} reaches no machine"
        included = both["upgrade"] if (row, "upgrade") in ((one, other), (other, one)) else set()
        assert both[row] | (included if row in INCLUDED else set()) >= alone
