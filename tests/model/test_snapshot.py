"""Snapshots named in a config: identity, and rejection of invalid ones."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from model.load import load
from model.render import kubeadm
from model.snapshot import CHUNK
from tests.model import snapshots
from tests.model.examples import CONTAINER, changed, cluster
from tests.model.refusals import check_refused, problems

POOL = "clusters/cluster1/controlPlanes"
WHERE = "clusters.cluster1.controlPlanes.restore"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "cluster1.db"
    snapshots.write(path)
    return path


def restoring(file: Path, *more: tuple[str, Any]) -> dict[str, Any]:
    return changed(CONTAINER, (f"{POOL}/restore", str(file)), *more)


def test_nothing_is_restored_by_default() -> None:
    assert cluster(CONTAINER).snapshot is None


@pytest.mark.parametrize("more", [0, CHUNK, 3 * CHUNK])
def test_a_snapshot_is_identified_by_its_checksum(file: Path, more: int) -> None:
    checksum = snapshots.write(file, snapshots.PAGES + bytes(more))
    snapshot = load(restoring(file)).clusters[0].snapshot
    assert snapshot
    assert (snapshot.path, snapshot.sha256) == (str(file), checksum)


def test_another_content_or_path_requires_new_acknowledgement(file: Path, tmp_path: Path) -> None:
    first = load(restoring(file)).clusters[0].data_loss
    assert load(restoring(file)).clusters[0].data_loss == first != ""
    copy = tmp_path / "again.db"
    copy.write_bytes(file.read_bytes())
    assert load(restoring(copy)).clusters[0].data_loss != first
    snapshots.write(file, snapshots.PAGES + bytes(4096))
    assert load(restoring(file)).clusters[0].data_loss != first


def test_a_corrupt_snapshot_is_rejected(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[5000] ^= 1
    file.write_bytes(content)
    check_refused(restoring(file), ([], WHERE, "corrupt"))


def test_a_copy_of_a_member_database_is_rejected(file: Path) -> None:
    file.write_bytes(snapshots.PAGES)
    check_refused(restoring(file), ([], WHERE, "the checksum at its end is missing"))


@pytest.mark.parametrize("content", [b"", b"text", bytes(9000)])
def test_a_file_other_than_a_database_is_rejected(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    check_refused(restoring(file), ([], WHERE, "not an etcd snapshot"))


def test_a_missing_file_is_rejected(file: Path) -> None:
    check_refused(restoring(file.with_name("none")), ([], WHERE, "no such file"))
    check_refused(restoring(file / "below"), ([], WHERE, "cannot be read"))
    check_refused(restoring(file.parent), ([], WHERE, "not a regular file"))


@pytest.mark.parametrize("path", ["", "backup.db", "~/backup.db", "/a\x00b", 1])
def test_an_invalid_path_is_rejected(path: Any) -> None:
    check_refused(CONTAINER, ([(f"{POOL}/restore", path)], WHERE, "not an absolute path"))


def test_restore_and_accept_data_loss_are_mutually_exclusive(file: Path) -> None:
    acknowledgement = (f"{POOL}/acceptDataLoss", "OPS-123")
    check_refused(restoring(file), ([acknowledgement], WHERE, "both restore and acceptDataLoss"))


def test_several_control_planes_are_not_restored(file: Path) -> None:
    several = (f"{POOL}/count", 3), ("clusters/cluster1/endpoint", {"vip": "10.89.1.100:8443"})
    check_refused(restoring(file), ([*several], WHERE, "a single control plane"))


def test_all_problems_are_reported_at_once(file: Path) -> None:
    config = restoring(file.with_name("none"), (f"{POOL}/acceptDataLoss", "OPS-123"))
    assert len(problems(config)) == 2


def recorded(**networks: Any) -> str:
    """The ClusterConfiguration of the example's cluster, with other networks."""
    document = yaml.safe_load(kubeadm.cluster_configuration(cluster(CONTAINER)))
    if mask := networks.pop("nodeCidrMaskSize", None):
        flags = document["controllerManager"]["extraArgs"]
        next(flag for flag in flags if flag["name"] == kubeadm.MASK_FLAG)["value"] = mask
    document["controlPlaneEndpoint"] = networks.pop("endpoint", document["controlPlaneEndpoint"])
    document["networking"] |= networks
    # As long as a real one: lengths take several bytes.
    return yaml.safe_dump(document) + "#" * 20_000


def test_a_snapshot_of_the_same_networks_is_restored(file: Path) -> None:
    other = recorded(podSubnet="10.11.0.0/16")
    pages = [
        snapshots.with_configuration(300, recorded()),
        # An older revision, and another object.
        snapshots.with_configuration(299, other),
        snapshots.with_configuration(301, other, snapshots.KEY + b"-2"),
    ]
    snapshots.write(file, snapshots.PAGES + b"".join(pages))
    snapshot = load(restoring(file)).clusters[0].snapshot
    assert snapshot
    assert snapshot.networks["podSubnet"] == "10.244.0.0/16"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("podSubnet", "10.11.0.0/16"),
        ("serviceSubnet", "10.12.0.0/16"),
        ("dnsDomain", "tokyo.local"),
        ("nodeCidrMaskSize", "26"),
    ],
)
def test_a_snapshot_of_other_networks_is_rejected(file: Path, key: str, value: str) -> None:
    pages = snapshots.with_configuration(1 << 40, recorded(**{key: value}))
    snapshots.write(file, snapshots.PAGES + pages)
    where = f"clusters.cluster1.networking.{key}"
    check_refused(restoring(file), ([], where, f"the cluster of the snapshot has {value}"))


def test_a_snapshot_of_another_endpoint_is_rejected(file: Path) -> None:
    pages = snapshots.with_configuration(1, recorded(endpoint="api.example.com:6443"))
    snapshots.write(file, snapshots.PAGES + pages)
    (problem,) = problems(restoring(file))
    assert problem.path.endswith("clusters.cluster1.endpoint")
    assert "the cluster of the snapshot has api.example.com:6443" in problem.problem
    load(restoring(file, ("clusters/cluster1/endpoint", {"external": "api.example.com:6443"})))


def test_workers_cannot_be_restored(file: Path) -> None:
    config = changed(CONTAINER, ("clusters/cluster1/workers/restore", str(file)))
    (problem,) = problems(config)
    assert "unknown key" in problem.problem
