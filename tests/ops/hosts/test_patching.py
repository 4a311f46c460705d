"""Security updates on a real machine, with its own apt, and a real reboot; only the API is not."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ops.hosts.inventory import Inventory
from ops.hosts.session import HostConnection
from ops.kube.node import Node
from ops.kube.returning import RunningPod
from ops.rollout import patching
from ops.rollout.desired import DesiredCluster
from ops.rollout.node_operations import NodeOperations
from ops.rollout.progress import Progress
from ops.rollout.target import Target
from scripts.fleet import patching as command
from tests.node.steps.apt_repository import Source
from tests.ops.hosts.bare_hosts import BareHost
from tests.ops.rollout.examples import found, inputs
from tests.ops.rollout.fakes import FakeFleet, FakeNodes, alike

pytestmark = pytest.mark.root
NAME = "a-worker-0"
ROUND = "20261126T214000Z"
BOOT = "cat /proc/sys/kernel/random/boot_id"
UPDATES = "srv/updates"


class Nodes(FakeNodes):
    """The Node as its kubelet would report it, with the machine's boot."""

    def __init__(self, fleet: FakeFleet, host: BareHost) -> None:
        super().__init__(fleet)
        self.host = host
        self.asked: list[str] = []

    def find_once(self, name: str) -> Node | None:
        node = self._fleet.found[name].node
        return node and replace(node, boot_id=self.host.shell(BOOT).strip())

    def ready_pods(self, name: str) -> dict[str, RunningPod]:
        self.asked.append("before")
        return {}


def update_of(host: BareHost, version: str, postinst: str = "") -> None:
    """Offer a version of a package as a security update."""
    source = Source(host.root / UPDATES / "security", "Debian-Security", "stable-security")
    source.add("fleet-test", version, postinst=postinst)


@pytest.fixture
def patched(host: BareHost) -> BareHost:
    """A host with a package of version 1, and version 2 as a security update."""
    main = Source(host.root / UPDATES / "main", "Debian", "stable")
    main.add("fleet-test", "1")
    update_of(host, "2", postinst="touch /run/reboot-required")
    (host.root / "etc/apt/sources.list").write_text(
        "".join(f"deb [trusted=yes] file:/{UPDATES}/{name} ./\n" for name in ("main", "security"))
    )
    host.shell("apt-get update && apt-get install --yes fleet-test=1")
    host.shell("mkdir -p /var/lib/kubeadm-fleet /var/log/kubeadm-fleet")
    return host


def target_of(host: BareHost, said: list[str]) -> tuple[Target, Nodes]:
    """The machine as a worker of a rollout."""
    machine_id = (host.root / "etc/machine-id").read_text().strip()
    ids = {**inputs()["machine_ids"], NAME: machine_id}
    props = inputs(machine_ids=ids, security_updates=ROUND)
    cluster = DesiredCluster.of(props)
    wanted = cluster.by_name[NAME]
    machine = NodeOperations(wanted, HostConnection(NAME, host.login("root")), cluster)
    nodes = Nodes(FakeFleet(props, alike(props)), host)
    progress = Progress(lambda text, **_: said.append(text))
    return Target(machine, found(wanted), nodes, progress), nodes


def test_a_machine_is_patched_and_rebooted_once(patched: BareHost) -> None:
    said: list[str] = []
    target, nodes = target_of(patched, said)
    former = patched.shell(BOOT)
    assert not patching.spares(target)
    patching.patch(target)
    assert patched.shell("dpkg-query --show fleet-test") == "fleet-test\t2\n"
    rebooted = patched.shell(BOOT)
    assert rebooted != former
    assert patched.shell("ls /run/reboot-required 2>/dev/null || true") == ""
    assert patched.shell("cat /var/lib/kubeadm-fleet/patched") == f"{ROUND}\n"
    assert nodes.asked == ["before"]
    assert any("updated: fleet-test 2" in text for text in said)
    assert any("rebooted in" in text for text in said)
    # A run that was killed before it recorded that, or another round without updates. What appears
    # after the question is for the next one: the machine is not drained.
    assert patching.spares(target)
    update_of(patched, "3")
    patching.patch(target)
    assert patched.shell(BOOT) == rebooted
    print("\n".join(said))


def test_an_update_without_a_reboot_leaves_the_machine_running(patched: BareHost) -> None:
    update_of(patched, "3")
    target, _ = target_of(patched, [])
    former = patched.shell(BOOT)
    assert not patching.spares(target)
    patching.patch(target)
    assert patched.shell("dpkg-query --show fleet-test") == "fleet-test\t3\n"
    assert patched.shell(BOOT) == former


def test_the_command_lists_what_is_pending(
    patched: BareHost, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entry: Any = {"address": patched.address, "role": "worker", "pool": "", "driver": "existing"}
    login = patched.login("root")
    machines: Any = {
        "host-0": {**entry, "login": login.to_props()},
        "gone": {**entry, "login": replace(login, port=9).to_props()},
    }
    pending = command.survey(Inventory({"one": machines}), ["one"])
    command.print_pending(pending)
    shown = capsys.readouterr()
    assert "  fleet-test 1 -> 2\n" in shown.out
    rows = [line.split() for line in shown.out.splitlines()]
    assert ["one", "host-0", "1", "-", "if", "a", "package", "asks", "for", "it"] in rows
    assert ["one", "gone", "unknown:", "it", "cannot", "be", "reached", "-", "-"] in rows
    assert "cannot be reached" in shown.err
    assert patched.shell("dpkg-query --show fleet-test") == "fleet-test\t1\n"
