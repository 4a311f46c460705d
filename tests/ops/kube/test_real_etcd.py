"""The etcd of the bundle, whose database is full: its alarm, and defragmentation."""

import os
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from model import paths
from model.pins import KUBERNETES
from model.render import node_scripts
from ops.kube import client, defragmentation, etcd, etcd_space
from ops.kube.client import Client
from tests.ops.kube.api_server import Api
from tests.ops.kube.etcd_server import PODS
from tests.waiting import await_true

MEMBERS = {"a": "127.0.0.11", "b": "127.0.0.12", "c": "127.0.0.13"}
CLUSTER = ",".join(f"{name}=http://{address}:2380" for name, address in MEMBERS.items())
QUOTA = 8 << 20
VALUE_BYTES = 100_000  # An argument has at most 128 KiB.

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """etcd and etcdctl, from the image that machines are sent."""
    folder = tmp_path_factory.mktemp("etcd")
    with tarfile.open(paths.bundle_dir(KUBERNETES) / "images" / "etcd.tar") as image:
        layers = [name for name in image.getnames() if name.endswith("layer.tar")]
        for layer in layers:
            stream = image.extractfile(layer)
            assert stream is not None
            with tarfile.open(fileobj=stream) as files:
                for file in files:
                    if Path(file.name).name in ("etcd", "etcdctl") and file.isfile():
                        file.name = Path(file.name).name
                        files.extract(file, folder, filter="data")
    return folder


@pytest.fixture
def full(api: Api, programs: Path, tmp_path: Path) -> Iterator[str]:
    """Start three members behind the API, fill them, and yield the address of one."""
    with ExitStack() as until_done:
        for name, address in MEMBERS.items():
            process = until_done.enter_context(subprocess.Popen(_etcd(programs, tmp_path, name)))
            until_done.callback(process.kill)
            api.programs[f"etcd-{name}"] = partial(_etcdctl, programs, address)
        api.answers[PODS] = (200, {"items": [_pod(name) for name in MEMBERS]})
        first = MEMBERS["a"]
        await_true(lambda: _etcdctl(programs, first, ["etcdctl", *etcd.HEALTH])[0] == 0, "a quorum")
        value = os.urandom(VALUE_BYTES // 2).hex()
        while _etcdctl(programs, first, ["etcdctl", "put", "key", value])[0] == 0:
            continue
        yield first


def _etcd(programs: Path, folder: Path, name: str) -> list[str]:
    address = MEMBERS[name]
    return [
        str(programs / "etcd"),
        f"--name={name}",
        f"--data-dir={folder / name}",
        f"--listen-client-urls=http://{address}:2379",
        f"--advertise-client-urls=http://{address}:2379",
        f"--listen-peer-urls=http://{address}:2380",
        f"--initial-advertise-peer-urls=http://{address}:2380",
        f"--initial-cluster={CLUSTER}",
        f"--quota-backend-bytes={QUOTA}",
        "--log-level=error",
    ]


def named(folder: Path, address: str) -> str:
    """What the report of a machine with a member at this address says of its alarms."""
    (folder / "etcd.yaml").touch()
    health = f"ETCD_HEALTH='http://{address}:2379/health?serializable=true'"
    call = f"MANIFESTS_FOLDER={folder} {health}\nFINDINGS=()\njudge_etcd"
    script = f'{node_scripts.source("drift_machine")}\n{call}\necho "${{FINDINGS[*]}}"'
    return subprocess.run(["bash"], input=script, capture_output=True, text=True).stdout


def _etcdctl(programs: Path, address: str, command: list[str]) -> tuple[int, str, str]:
    """Run what the pod would, with the member's address here instead of the one in the pod."""
    of_the_pod = ("--endpoints", "--cacert", "--cert", "--key")
    words = [word for word in command[1:] if not word.startswith(of_the_pod)]
    ended = subprocess.run(
        [str(programs / "etcdctl"), f"--endpoints=http://{address}:2379", *words],
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.returncode, ended.stdout, ended.stderr


def _pod(name: str) -> dict[str, object]:
    return {
        "metadata": {"name": f"etcd-{name}"},
        "spec": {"nodeName": name},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    }


def alarms(kube: Client) -> list[str]:
    found = etcd_space.read_databases(kube)
    return sorted({alarm for database in found for alarm in database.alarms})


def test_a_full_etcd_accepts_writes_again(api: Api, programs: Path, full: str) -> None:
    kube = client.of(api.kubeconfig)
    assert all(member.healthy for member in etcd.members(kube))
    assert all(
        member.database.alarms for member in defragmentation.members(kube) if member.database
    )

    assert named(programs, full) == "etcd\tetcd\thas the alarm NOSPACE\n"

    done = list(defragmentation.defragment(kube, lambda _: None))

    assert [turn.member.role for turn in done] == ["follower", "follower", "leader"]
    for turn in done:
        assert turn.member.database is not None
        assert turn.member.database.size > QUOTA // 2 > turn.after.size
    assert not any(
        member.database.alarms for member in defragmentation.members(kube) if member.database
    )
    assert _etcdctl(programs, full, ["etcdctl", "put", "key", "value"])[0] == 0
    assert named(programs, full) == "\n"
