"""People on a real cluster: what each may do, kubelets that do not know them, and their removal."""

import select
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from http.client import HTTPSConnection, IncompleteRead
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from model.people import authority_name
from model.pki import certificates
from model.pki.certificates import KeyPair
from ops import revocation
from ops.hosts.inventory import Inventory
from ops.kube import client
from ops.pulumi.deployment import Deployment
from ops.revocation import Outcome, Place, Revoked
from scripts.bench.subnet import subnet
from tests.e2e.networks import networks
from tests.e2e.pulumi_stack import PulumiStack
from tests.ops.nspawn import host
from tests.tmp_machines import workshop

pytestmark = [pytest.mark.root, pytest.mark.slow]

PODS = "/api/v1/namespaces/{}/pods"
ALICE = {"access": [{"role": "view", "namespaces": ["shop"]}]}
BOB = {"access": [{"role": "auditor"}]}
CAROL = {"access": [{"role": "cluster-admin"}]}
DAVE = {"access": [{"role": "reader"}]}
METRICS = {"rules": [{"nonResourceURLs": ["/metrics"], "verbs": ["get"]}]}
# What each may read: a path, and the answers to alice, bob, carol, dave.
ANSWERS = {
    PODS.format("shop"): (200, 200, 200, 403),
    PODS.format("kube-system"): (403, 200, 200, 403),
    "/api/v1/namespaces/kube-system/secrets": (403, 403, 200, 403),
    "/apis/rbac.authorization.k8s.io/v1/clusterroles": (403, 200, 200, 403),
    "/metrics": (403, 403, 200, 200),
}
NAMES = ("alice", "bob", "carol", "dave")


class Requests:
    """Requests with the certificate of one person."""

    def __init__(self, folder: Path, server: str, ca: str, pair: KeyPair) -> None:
        self._server = server
        pem = folder / "client.pem"
        pem.touch(mode=0o600)
        pem.write_text(pair.cert_pem + pair.key_pem)
        self._tls = ssl.create_default_context(cadata=ca)
        self._tls.check_hostname = False
        self._tls.verify_mode = ssl.CERT_NONE
        self._tls.load_cert_chain(pem)
        pem.unlink()

    def connect(self) -> HTTPSConnection:
        """Return a connection that stays open between requests."""
        address = urlsplit(self._server)
        assert address.hostname
        return HTTPSConnection(address.hostname, address.port, context=self._tls, timeout=30)

    def status(self, path: str, server: str = "") -> int:
        """Return the status of the answer."""
        request = urllib.request.Request(f"{server or self._server}{path}")
        try:
            with urllib.request.urlopen(request, context=self._tls, timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code


@pytest.fixture
def stack() -> Iterator[PulumiStack]:
    with workshop() as folder, subnet(86) as own:
        config = {
            "machines": {"driver": "container", "cpus": 2, "memory": "2Gi"},
            "people": {
                "users": {"alice": ALICE, "bob": BOB, "carol": CAROL, "dave": DAVE},
                "roles": {"reader": METRICS},
            },
            "clusters": {"cluster1": {"machines": {"subnet": str(own)}, "networking": networks(1)}},
        }
        stack = PulumiStack(folder, "test", config)
        stack.create()
        try:
            yield stack
        finally:
            marks = stack.marks()
            stack.destroy()
            left = host.parts(*marks)
            assert not any(left.values()), left


def deployed(stack: PulumiStack) -> Deployment:
    return Deployment(stack.succeed("stack", "export", "--show-secrets").output)


def revoke(stack: PulumiStack, name: str, *, cut: bool = False) -> list[Outcome]:
    """End a person's access as `fleet revoke` does."""
    deployment = deployed(stack)
    (rollout,) = deployment.of_kind("Rollout")
    kubeconfig = stack.output("kubeconfig")
    place = Place(
        "cluster1",
        Inventory(stack.output("inventory")).control_planes("cluster1"),
        rollout.outputs["machine_ids"],
        lambda: client.of(kubeconfig),
    )
    authority = deployment.authority(authority_name(name)).cert_pem
    return revocation.revoke(Revoked(name, authority), [place], cut=cut)


def people(stack: PulumiStack) -> dict[str, Requests]:
    deployment = deployed(stack)
    authorities = {one.name: one.outputs for one in deployment.of_kind("CertificateAuthority")}
    (entry,) = yaml.safe_load(stack.output("kubeconfig"))["clusters"]
    ca = authorities["cluster1-ca"]["certificate"]
    found = {}
    for name in NAMES:
        outputs = authorities[authority_name(name)]
        authority = KeyPair(outputs["certificate"], outputs["private_key"])
        pair = certificates.issue_client(authority, name, [], timedelta(hours=1))
        found[name] = Requests(stack.folder, entry["cluster"]["server"], ca, pair)
    return found


def access_ends_at_once(stack: PulumiStack, known: dict[str, Requests]) -> None:
    """New requests are refused, on open connections too; a watch goes on until it is cut."""
    path = PODS.format("shop")
    opened, watching = known["bob"].connect(), known["bob"].connect()
    watching.request("GET", f"{path}?watch=true&timeoutSeconds=600")
    watch = watching.getresponse()
    opened.request("GET", path)
    opened.getresponse().read()
    ended = revoke(stack, "bob")
    print("", *ended, sep="\n  ")
    assert not any(outcome.failed for outcome in ended), ended
    opened.request("GET", path)
    assert opened.getresponse().status == 401
    assert known["bob"].status(path) == 401
    assert [known[name].status(path) for name in ("alice", "carol")] == [200, 200]
    assert not select.select([watching.sock], [], [], 1)[0], "the watch is open"
    cut = revoke(stack, "bob", cut=True)
    print("", *cut, sep="\n  ")
    assert not any(outcome.failed for outcome in cut), cut
    with suppress(IncompleteRead):
        assert watch.read() == b"", "it ends"
    assert known["alice"].status(path) == 200


def test_people_may_do_what_their_roles_allow_until_they_are_removed(stack: PulumiStack) -> None:
    stack.up()
    known = people(stack)
    for path, answers in ANSWERS.items():
        assert tuple(known[name].status(path) for name in NAMES) == answers, path
    node = stack.output("inventory")["cluster1"]
    (address,) = (machine["address"] for machine in node.values())
    kubelet = f"https://{address}:10250"
    assert known["carol"].status("/pods", kubelet) == 401, "kubelets know the cluster's CA alone"
    assert stack.preview().changes == {}

    access_ends_at_once(stack, known)

    del stack.config["people"]["users"]["bob"]
    del stack.config["people"]["users"]["alice"]
    shown = stack.preview().output
    assert "the people whose certificates it accepts changed: in place" in shown
    began = time.monotonic()
    stack.up()
    assert known["alice"].status(PODS.format("shop")) == 401, time.monotonic() - began
    assert known["carol"].status(PODS.format("shop")) == 200, "the namespace is kept"
    stack.refresh()
    assert stack.preview().changes == {}, "what API servers publish is what they accept"
