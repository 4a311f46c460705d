"""`fleet support` of a cluster that works, and of the same cluster when most of it is dead."""

import json
import os
import shutil
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.nspawn.spec import MachineSpec
from scripts.bench.subnet import subnet
from tests.e2e.failures import cut_power
from tests.e2e.kubectl import Kubectl
from tests.e2e.life import access, living
from tests.e2e.machines import Machines
from tests.e2e.pod_network import IMAGE
from tests.e2e.pulumi_stack import CHECKOUT, PulumiStack
from tests.e2e.support_archive import Archive, archived
from tests.waiting import await_true

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(840)]

CLUSTER = "cluster1"
CONTROL_PLANES = [f"{CLUSTER}-control-plane-{index}" for index in range(3)]
WORKERS = [f"{CLUSTER}-worker-{index}" for index in range(2)]
PASSWORD, TOKEN, VARIABLE = "Tr0ub4dor & 3 <x>", "zq8-seeded-token-value-77", "plain-env-value-91"
LIMIT = 30
# It is a pod of kube-system that logs all of its Secret, in several forms.
TALKS = (
    'echo "plain $PASSWORD"; echo "encoded $(echo -n "user:$PASSWORD" | base64)"; '
    'echo "a harmless line"; echo "token $TOKEN"; exec sleep 3600'
)


@pytest.fixture(scope="module")
def fleet() -> Iterator[PulumiStack]:
    with subnet(88) as network:
        config = {
            "kubernetesVersion": "1.36.3",
            "machines": {"driver": "container", "cpus": 2, "memory": "2Gi"},
            "clusters": {
                CLUSTER: {
                    "machines": {"subnet": str(network)},
                    "endpoint": {"vip": f"{network[100]}:8443"},
                    "controlPlanes": {"count": 3},
                    "workers": {"count": 2},
                }
            },
        }
        with living(config) as stack:
            # Those of a stack of this name that a test left in the checkout are of another cluster.
            folder = CHECKOUT / "kubeconfigs" / stack.name
            shutil.rmtree(folder, ignore_errors=True)
            seed(access(stack))
            yield stack
            shutil.rmtree(folder, ignore_errors=True)


def seed(kubectl: Kubectl) -> None:
    """Make a Secret, a pod that logs it, and an environment variable."""
    within = ("--namespace", "kube-system")
    kubectl(
        *within, "create", "secret", "generic", "seeded",
        f"--from-literal=PASSWORD={PASSWORD}", f"--from-literal=TOKEN={TOKEN}",
    )  # fmt: skip
    container = {
        "name": "talker",
        "image": IMAGE,
        "command": ["busybox", "sh", "-c", TALKS],
        "envFrom": [{"secretRef": {"name": "seeded"}}],
        "env": [{"name": "PLAIN", "value": VARIABLE}],
    }
    overrides = json.dumps({"spec": {"containers": [container]}})
    kubectl(*within, "run", "talker", f"--image={IMAGE}", f"--overrides={overrides}")
    kubectl(*within, "wait", "--for=condition=Ready", "--timeout=120s", "pod/talker")
    kubectl(*within, "create", "configmap", "theirs", f"--from-literal=text={TOKEN[:12]}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("archives")


def spec(fleet: PulumiStack, name: str) -> MachineSpec:
    found = MachineSpec.read(fleet.machines / CLUSTER / name)
    assert found
    return found


def has_no_secret(archive: Archive) -> None:
    forms = (PASSWORD, TOKEN, VARIABLE, TOKEN[:12], b64encode(TOKEN.encode()).decode(),
             b64encode(f"user:{PASSWORD}".encode()).decode()[6:-6],
             json.dumps(PASSWORD)[1:-1], "PRIVATE KEY")  # fmt: skip
    assert {form: archive.holding(form) for form in forms} == {form: [] for form in forms}


def keep(archive: Archive, name: str) -> None:
    """Leave what was read where a person may look at it, if one wants to."""
    if where := os.environ.get("SUPPORT_ARCHIVES"):
        for path, content in archive.files.items():
            file = Path(where) / name / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        (Path(where) / name / "OUTPUT").write_text(archive.output)


def test_an_archive_has_what_a_colleague_needs(fleet: PulumiStack, folder: Path) -> None:
    archive = archived(fleet, CLUSTER, folder)
    print(archive.output)
    keep(archive, "whole")
    has_no_secret(archive)
    assert archive.seconds < LIMIT
    assert archive.manifest["missing"] == []
    assert json.loads(archive.text("config/settings.json"))
    assert [node["metadata"]["name"] for node in archive.items("api/core/v1/nodes.json")] == [
        *CONTROL_PLANES, *WORKERS,
    ]  # fmt: skip
    talker = next(
        path for path in archive.files if "/talker/" in path and "kube-system_talker" in path
    )
    lines = archive.text(talker).splitlines()
    assert any(line.endswith("a harmless line") for line in lines)
    assert any("<redacted:secret:kube-system/seeded/TOKEN>" in line for line in lines)
    secrets = archive.items("api/core/v1/secrets.json")
    (seeded,) = (each for each in secrets if each["metadata"]["name"] == "seeded")
    assert seeded["bytesOfKeys"] == {"PASSWORD": len(PASSWORD), "TOKEN": len(TOKEN)}
    for name in (*CONTROL_PLANES, *WORKERS):
        assert "kubelet" in archive.text(f"machines/{name}/logs/kubelet.log")
        assert "Mem:" in archive.text(f"machines/{name}/facts/memory.txt")
        ledger = json.loads(archive.text(f"machines/{name}/certificates.json"))
        assert len(ledger["certificates"]) > 1
    members = json.loads(archive.text("etcd/members.json"))["members"]
    assert sorted(member["name"] for member in members) == CONTROL_PLANES
    for name in CONTROL_PLANES:
        # ctr may have warnings of its own before it.
        said = archive.text(f"machines/{name}/etcd/members.txt").splitlines()
        there = json.loads(said[-1])
        assert len(there["members"]) == 3
    assert json.loads(archive.text("status.json"))["clusters"][0]["nodesReady"]["ready"] == 5
    assert "talker" in archive.text("api/events.txt")
    assert archive.manifest["redaction"]["secretValues"] >= 2


def test_a_half_dead_cluster_is_archived_in_time(fleet: PulumiStack, folder: Path) -> None:
    alive = CONTROL_PLANES[0]
    Machines(fleet).run(
        WORKERS[1], "systemd-run --quiet --on-active=1 bash -c 'kill -STOP $(pidof sshd kubelet)'"
    )
    for name in CONTROL_PLANES[1:]:
        cut_power(fleet.machines, spec(fleet, name))

    def has_no_leader() -> bool:
        ready = "curl -sk --max-time 5 https://127.0.0.1:6443/readyz || true"
        return "etcd failed" in Machines(fleet).run(alive, ready)

    await_true(has_no_leader, "etcd to have lost its quorum", seconds=120)
    archive = archived(fleet, CLUSTER, folder)
    print(archive.output)
    keep(archive, "half-dead")
    assert archive.seconds < LIMIT + 1
    assert archive.status == 1
    has_no_secret(archive)
    manifest = archive.manifest
    missing = {each["source"] for each in manifest["missing"]}
    assert {f"machines/{name}" for name in (*CONTROL_PLANES[1:], WORKERS[1])} <= missing
    assert "kubelet" in archive.text(f"machines/{alive}/logs/kubelet.log")
    assert "kubelet" in archive.text(f"machines/{WORKERS[0]}/logs/kubelet.log")
    # What the API server that is left has in memory.
    assert manifest["server"].endswith(":6443")
    assert len(archive.items("api/core/v1/nodes.json")) == 5
    assert manifest["redaction"]["secretValues"] >= 2
    assert any(f"machines/{WORKERS[1]}" in line for line in archive.text("README.txt").splitlines())
