"""Certificates renewed on a running control plane: its components use them without a restart."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from model.render.node_scripts import compose
from tests.node.aggregated_api import aggregated_api, objects
from tests.node.cluster import Member
from tests.node.test_operations import RUNNING
from tests.waiting import await_true

pytestmark = [pytest.mark.root, pytest.mark.slow]
# etcd reads its files at each handshake, the API server at least once a minute.
HANDSHAKE_SECONDS, FILE_SECONDS = 5, 75
# client-go reads its pairs every five minutes.
CLIENT_SECONDS = 330
KUBECTL = "kubectl --kubeconfig /etc/kubernetes/admin.conf"
KUBELET_METRICS = "/api/v1/nodes/$(hostname)/proxy/metrics"
VALIDITY = "apiserver_client_certificate_expiration_seconds_bucket"


@dataclass(frozen=True)
class Client:
    """A certificate, for how long it is issued, and how its requests are counted then.

    The server of `metrics` counts requests by the seconds that are left to the certificate, in
    buckets with upper limits.
    """

    name: str
    validity: str
    above: int
    limit: int
    metrics: str

    def requests(self, machine: Member) -> int:
        """Return how many requests were counted."""
        printed = machine.shell(f"{KUBECTL} get --raw {self.metrics} | grep '^{VALIDITY}'")
        counts = {
            line.partition('le="')[2].partition('"')[0]: int(line.split()[1])
            for line in printed.splitlines()
        }
        return counts[str(self.limit)] - counts[str(self.above)]


CLIENTS = (
    Client("controller-manager.conf", "20m", 0, 1800, "/metrics"),
    Client("scheduler.conf", "50m", 1800, 3600, "/metrics"),
    Client("apiserver-kubelet-client", "110m", 3600, 7200, KUBELET_METRICS),
)


def call(machine: Member, script: str) -> str:
    """Call functions of leaves.sh on a machine."""
    settings = {"NODE_NAME": machine.name, "MACHINE_ID": machine.spec.machine_id}
    return machine.shell(f"{compose('leaves', settings)}\nlib_begin; open_run\n{script}")


def shown(machine: Member, port: int) -> str:
    """Return the fingerprint of the certificate that is shown on a port."""
    address = f"{machine.spec.bare_address}:{port}"
    return machine.shell(
        f"openssl s_client -connect {address} </dev/null 2>/dev/null |"
        " openssl x509 -noout -fingerprint -sha256"
    )


def fingerprint(machine: Member, name: str) -> str:
    """Return the fingerprint of a leaf that is in place."""
    return call(machine, f"leaf_certificate {name} | openssl x509 -noout -fingerprint -sha256")


def files(machine: Member) -> dict[str, str]:
    """Return the checksums that an inspection compares."""
    return {key: value for key, value in machine.node_facts().items() if key.startswith("file:")}


@pytest.fixture(autouse=True)
def nothing_restarts(control_plane: Member) -> Iterator[None]:
    """The containers of the machine are the same after each test."""
    before = control_plane.shell(RUNNING)
    yield
    assert control_plane.shell(RUNNING) == before


@pytest.mark.parametrize(
    ("name", "port"), [("etcd-server", 2379), ("etcd-peer", 2380)], ids=["server", "peer"]
)
def test_etcd_shows_a_renewed_certificate(control_plane: Member, name: str, port: int) -> None:
    looked, previous = files(control_plane), shown(control_plane, port)
    call(control_plane, f"renew_leaf {name}")
    wanted = fingerprint(control_plane, name)
    assert wanted != previous
    is_shown = partial(_is_shown, control_plane, port, wanted)
    await_true(is_shown, f"{name} to be shown", HANDSHAKE_SECONDS)
    assert files(control_plane) == looked, "a renewal is no drift"


def test_the_api_server_shows_renewed_certificates_to_clients_and_to_aggregated_apis(
    control_plane: Member, tmp_path: Path
) -> None:
    """One wait for both: it looks at these files once a minute."""
    looked, previous = files(control_plane), shown(control_plane, 6443)
    address = control_plane.spec.gateway
    authority = control_plane.shell("cat /etc/kubernetes/pki/front-proxy-ca.crt")
    with aggregated_api(address, authority, tmp_path) as (port, seen):
        control_plane.shell(f"{KUBECTL} apply -f - <<'END'\n{objects(address, port)}\nEND")
        try:
            await_true(lambda: bool(seen), "the aggregated API to be asked", 30)
            for name in ("apiserver", "front-proxy-client"):
                call(control_plane, f"renew_leaf {name}")
            wanted, client = (
                fingerprint(control_plane, name) for name in ("apiserver", "front-proxy-client")
            )
            assert wanted != previous
            await_true(
                lambda: _is_shown(control_plane, 6443, wanted) and _is_of(seen[-1], client),
                "both to be shown",
                FILE_SECONDS,
            )
        finally:
            delete = f"{KUBECTL} delete --wait=false -f -"
            control_plane.shell(f"{delete} <<'END'\n{objects(address, port)}\nEND")
    assert files(control_plane) == looked, "a renewal is no drift"


def test_the_api_server_reaches_etcd_with_the_pair_of_its_next_connection(
    control_plane: Member,
) -> None:
    """With one that etcd does not accept it fails, and with a good one it recovers."""
    pem = "/etc/kubernetes/pki/apiserver-etcd-client.pem"
    ready = f"{KUBECTL} get --raw /livez/etcd 2>/dev/null || true"
    cut = "ss --kill state established dport = 2379 >/dev/null"
    control_plane.shell(
        f"cp {pem} /run/kept.pem; cat /etc/kubernetes/pki/front-proxy-client.pem >{pem}.new;"
        f" mv {pem}.new {pem}"
    )
    await_true(lambda: control_plane.shell(f"{cut}; {ready}") != "ok", "etcd to be refused", 30)
    control_plane.shell(f"mv /run/kept.pem {pem}")
    call(control_plane, "renew_leaf apiserver-etcd-client")
    await_true(lambda: control_plane.shell(ready) == "ok", "etcd to be reached", 30)


@pytest.mark.long
@pytest.mark.timeout(CLIENT_SECONDS + 300)
def test_clients_use_a_renewed_certificate(control_plane: Member) -> None:
    """Neither they nor their servers are restarted."""
    configuration = "/var/lib/kubeadm-fleet/leaf-configuration.yaml"
    before = [client.requests(control_plane) for client in CLIENTS]
    kept = control_plane.shell(f"cat {configuration}")
    for client in CLIENTS:
        control_plane.shell(f"sed -i 's/Period: .*/Period: {client.validity}/' {configuration}")
        call(control_plane, f"renew_leaf {client.name}")
    control_plane.shell(f"cat >{configuration} <<'END'\n{kept}END\n")

    def all_are_used() -> bool:
        now = [client.requests(control_plane) for client in CLIENTS]
        return all(after > count for after, count in zip(now, before, strict=True))

    await_true(all_are_used, "each of them to be used", CLIENT_SECONDS)
    for client in CLIENTS:
        call(control_plane, f"renew_leaf {client.name}")


def _is_shown(machine: Member, port: int, wanted: str) -> bool:
    return shown(machine, port) == wanted


def _is_of(certificate: bytes, wanted: str) -> bool:
    """Whether a certificate has a fingerprint as openssl prints it."""
    printed = wanted.strip().partition("=")[2].replace(":", "").lower()
    return hashlib.sha256(certificate).hexdigest() == printed
