"""A KMS plugin encrypts Secrets: it is taken into use, fails, gets another key, and is given up.

Three control planes with a plugin each, all of one key store. No API server ever meets a Secret
that it cannot read while the plugin runs beside it. Run with `-s` for the figures; the tests run in
order.
"""

import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from ops.nspawn.spec import MachineSpec
from scripts.bench.subnet import subnet
from tests.e2e import containers, stored
from tests.e2e.failures import cut_power, restore_power
from tests.e2e.kms_plugin import Keys, Plugin
from tests.e2e.kubectl import Kubectl
from tests.e2e.life import access, living
from tests.e2e.machines import Machines
from tests.e2e.one_cluster import three_control_planes
from tests.e2e.pulumi_stack import CHECKOUT, Finished, PulumiStack
from tests.e2e.secret_readers import TEXT, Readers
from tests.waiting import await_true

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(1500)]

PLANES = [f"cluster1-control-plane-{index}" for index in range(3)]
FAULTY = PLANES[2]
SOCKET = "/var/run/kms/kms.sock"
KMS = {"name": "vault", "endpoint": f"unix://{SOCKET}"}
BY_KMS, BY_SECRETBOX = b"k8s:enc:kms:v2:vault:", b"k8s:enc:secretbox:v1:key-"
RECORD = ("--namespace", "kube-system", "configmap", "kubeadm-fleet-encryption")
# API servers ask a plugin again after 20 s if it answered, after 10 s if it did not.
NOTICED_SECONDS = 60
# They ask for its key once a minute.
KEY_SECONDS = 150
REFUSED_SECONDS = 90


@pytest.fixture(scope="module")
def fleet() -> Iterator[PulumiStack]:
    with subnet(88) as network, living(three_control_planes(network)) as stack:
        yield stack


@pytest.fixture(scope="module")
def keys() -> Keys:
    return Keys()


@pytest.fixture(scope="module")
def plugins(fleet: PulumiStack, keys: Keys) -> Iterator[Mapping[str, Plugin]]:
    """The plugin of each control plane, which does not run yet."""
    made = {plane: Plugin(keys, socket_of(fleet, plane)) for plane in PLANES}
    yield made
    for plugin in made.values():
        plugin.stop()


@pytest.fixture(scope="module")
def cluster(fleet: PulumiStack) -> Kubectl:
    found = access(fleet)
    found("create", "secret", "generic", "one", f"--from-literal=text={TEXT}")
    return found


def socket_of(fleet: PulumiStack, plane: str) -> Path:
    """Return where the socket is for processes of this host: in the machine's own /run."""
    process = (fleet.machines / "cluster1" / plane / "leader").read_text()
    return Path(f"/proc/{process}/root") / Path(SOCKET).relative_to("/var")


def encrypt(fleet: PulumiStack, **encryption: Any) -> None:
    fleet.config["clusters"]["cluster1"]["security"] = {"secretsEncryption": encryption}


def change(fleet: PulumiStack, **encryption: Any) -> None:
    """Change what encrypts under readers; a second run has nothing to do."""
    encrypt(fleet, **encryption)
    with Readers(fleet, PLANES) as readers:
        began = time.monotonic()
        fleet.up()
        print(f"\n{encryption}: {time.monotonic() - began:.0f} s, {readers.reads} reads")
    assert readers.unreadable == []
    assert readers.reads > 3
    assert (run := fleet.preview()).changes == {}, run.output


def timed(fleet: PulumiStack, *arguments: str) -> tuple[Finished, float]:
    began = time.monotonic()
    finished = fleet.run(*arguments)
    seconds = time.monotonic() - began
    print(f"\n{arguments[0]}: {seconds:.0f} s, status {finished.status}")
    return finished, seconds


def status(fleet: PulumiStack) -> str:
    ended = subprocess.run(
        [str(CHECKOUT / ".venv/bin/fleet"), "status", "--stack", fleet.name],
        env=fleet.environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return ended.stdout + ended.stderr


def unready(fleet: PulumiStack, plane: str) -> str:
    """Return the lines of a control plane's checks that fail; "" if it is ready."""
    ask = (
        "curl --silent --show-error --max-time 10 --cacert /etc/kubernetes/pki/ca.crt "
        "https://$(hostname --all-ip-addresses | cut -d ' ' -f 1):6443/readyz?verbose 2>&1 || true"
    )
    said = Machines(fleet).run(plane, ask)
    failing = [line for line in said.splitlines() if not line.startswith("[+]")]
    return "" if "readyz check passed" in said else "\n".join(failing) or "no answer"


def await_ready(fleet: PulumiStack, *planes: str) -> None:
    began = time.monotonic()
    await_true(
        lambda: not any(unready(fleet, each) for each in planes), f"{planes} to be ready", 120
    )
    print(f"\nready after {time.monotonic() - began:.0f} s")


def await_unready(fleet: PulumiStack, plane: str) -> None:
    began = time.monotonic()
    await_true(
        lambda: "[-]kms-providers failed" in unready(fleet, plane),
        f"{plane} to lack its plugin",
        NOTICED_SECONDS,
    )
    print(f"\nnot ready after {time.monotonic() - began:.0f} s: {unready(fleet, plane)}")


def key_of(value: bytes) -> str:
    """The id of the key that encrypted a stored Secret, which is beside it in plain text."""
    return next((f"key-{n}" for n in range(9, 0, -1) if f"key-{n}".encode() in value), "none")


def text_of(cluster: Kubectl, *server: str) -> str:
    return cluster(*server, "get", "secret", "one", "--template={{.data.text|base64decode}}")


def assert_read_everywhere(fleet: PulumiStack, cluster: Kubectl) -> None:
    for plane in PLANES:
        address = Machines(fleet).run(plane, "hostname --all-ip-addresses").split()[0]
        server = ("--server", f"https://{address}:6443")
        assert text_of(cluster, *server) == TEXT
        cluster(*server, "get", "secrets", "--all-namespaces")


def test_without_a_plugin_no_api_server_is_stopped(fleet: PulumiStack, cluster: Kubectl) -> None:
    before = containers.running(cluster)
    encrypt(fleet, kms=KMS)
    run, seconds = timed(fleet, "up", "--yes", "--skip-preview", "--parallel", "32")
    assert run.status != 0
    assert f"no KMS plugin (v2) answers at {SOCKET}" in run.output
    assert "no API server is stopped" in run.output
    assert seconds < REFUSED_SECONDS
    assert containers.changed(before, containers.running(cluster)) == []


def test_it_is_taken_into_use_in_two_runs(
    fleet: PulumiStack, cluster: Kubectl, plugins: Mapping[str, Plugin]
) -> None:
    for plugin in plugins.values():
        plugin.start()
    change(fleet, kms=KMS)
    for value in stored.secrets(cluster, PLANES[0]).values():
        assert value.startswith(BY_SECRETBOX)
    change(fleet, provider="kms", kms=KMS)
    for plane in PLANES:
        found = stored.secrets(cluster, plane)
        assert "default/one" in found
        assert [name for name, value in found.items() if not value.startswith(BY_KMS)] == []
    assert_read_everywhere(fleet, cluster)


def test_a_preview_rejects_a_shorter_way(fleet: PulumiStack) -> None:
    encrypt(fleet)
    run, _ = timed(fleet, "preview")
    encrypt(fleet, provider="kms", kms=KMS)
    assert run.status != 0
    assert "the plugin vault has encrypted Secrets" in run.output


def test_one_api_server_lacks_it(
    fleet: PulumiStack, cluster: Kubectl, plugins: Mapping[str, Plugin]
) -> None:
    plugins[FAULTY].stop()
    await_unready(fleet, FAULTY)
    assert text_of(cluster) == TEXT
    assert (run := timed(fleet, "refresh", "--yes", "--skip-preview")[0]).status == 0, run.output
    assert (run := timed(fleet, "preview", "--diff")[0]).changes == {}, run.output
    before = containers.running(cluster)
    fleet.config["clusters"]["cluster1"]["apiServer"] = {"extraArgs": {"v": "1"}}
    run, seconds = timed(fleet, "up", "--yes", "--skip-preview", "--parallel", "32")
    del fleet.config["clusters"]["cluster1"]["apiServer"]
    assert run.status != 0
    assert f"{FAULTY}: no KMS plugin (v2) answers at {SOCKET}" in run.output
    assert seconds < REFUSED_SECONDS
    assert containers.changed(before, containers.running(cluster)) == []
    told = f"kube-apiserver is not Ready: `fleet ssh {FAULTY} "
    await_true(lambda: told in status(fleet), "the status to name it", 120)
    plugins[FAULTY].start()
    await_ready(fleet, FAULTY)
    fleet.refreshed_up()


def test_a_machine_that_boots_without_it_waits_for_it(
    fleet: PulumiStack, plugins: Mapping[str, Plugin]
) -> None:
    plugins[FAULTY].stop()
    machine = MachineSpec.read(fleet.machines / "cluster1" / FAULTY)
    assert machine
    cut_power(fleet.machines, machine)
    restore_power(fleet.machines, machine)
    plugins[FAULTY].socket = socket_of(fleet, FAULTY)
    began = time.monotonic()
    await_true(lambda: "kms-providers" in unready(fleet, FAULTY), "its API server to run", 180)
    print(f"\nits API server runs after {time.monotonic() - began:.0f} s")
    plugins[FAULTY].start()
    await_ready(fleet, FAULTY)


def test_a_folder_that_is_made_again_is_another_one(
    fleet: PulumiStack, plugins: Mapping[str, Plugin]
) -> None:
    plugins[FAULTY].remove()
    plugins[FAULTY].start()
    await_unready(fleet, FAULTY)
    Machines(fleet).run(FAULTY, "pkill -f ^kube-apiserver")
    await_ready(fleet, FAULTY)


def test_all_api_servers_lack_it(
    fleet: PulumiStack, cluster: Kubectl, plugins: Mapping[str, Plugin]
) -> None:
    for plugin in plugins.values():
        plugin.stop()
    for plane in PLANES:
        await_unready(fleet, plane)
    assert (run := timed(fleet, "preview", "--diff")[0]).changes == {}, run.output
    assert (run := timed(fleet, "refresh", "--yes", "--skip-preview")[0]).status == 0, run.output
    assert (run := fleet.up()).changes == {}, run.output
    assert len(cluster.node_names()) == len(PLANES) + 1
    for plugin in plugins.values():
        plugin.start()
    await_ready(fleet, *PLANES)
    fleet.refresh()
    assert (run := fleet.up()).changes == {}, run.output


def test_another_key_encrypts_all_secrets_once_they_are_written_again(
    fleet: PulumiStack, cluster: Kubectl, keys: Keys
) -> None:
    former, new = keys.current, keys.replace()
    cluster("create", "namespace", "later")

    def is_used() -> bool:
        make = ("--namespace", "later", "create", "secret", "generic")
        cluster(*make, f"s{time.monotonic_ns()}", f"--from-literal=text={TEXT}")
        found = stored.secrets(cluster, PLANES[0])
        return key_of(found[max(name for name in found if name.startswith("later/"))]) == new

    began = time.monotonic()
    await_true(is_used, "another key to be used", KEY_SECONDS)
    print(f"\nthe new key is used after {time.monotonic() - began:.0f} s")
    assert key_of(stored.secrets(cluster, PLANES[0])["default/one"]) == former
    # Each asks for it at a time of its own.
    await_true(lambda: time.monotonic() - began > 130, "all API servers to use it", 150)
    cluster("delete", *RECORD)
    fleet.refresh()
    fleet.up()
    assert {key_of(value) for value in stored.secrets(cluster, PLANES[0]).values()} == {new}
    keys.delete(former)
    assert_read_everywhere(fleet, cluster)


def test_it_is_given_up_in_two_runs(
    fleet: PulumiStack, cluster: Kubectl, plugins: Mapping[str, Plugin]
) -> None:
    change(fleet, provider="secretbox", kms=KMS)
    for value in stored.secrets(cluster, PLANES[0]).values():
        assert value.startswith(BY_SECRETBOX)
    change(fleet)
    for plugin in plugins.values():
        plugin.remove()
    assert_read_everywhere(fleet, cluster)
    await_ready(fleet, *PLANES)
