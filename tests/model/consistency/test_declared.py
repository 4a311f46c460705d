"""What a config declares, and what kubeadm renders of it: there is no difference."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from model import paths, pins
from model.cni import plugins
from model.consistency import facts, static_pods
from model.consistency.declared import _plain, _rendered, declared
from model.consistency.facts import ClusterFacts
from model.consistency.matrix import matrix
from model.consistency.own_values import own_values
from model.consistency.report import State
from model.consistency.shared_facts import SharedFacts
from model.load import load
from model.render import (
    hand_off,
    image_policy,
    kubeadm,
    manifests,
    metrics_server,
    namespaces,
    people,
)
from model.render.node_paths import PATCHES
from tests.model.examples import CONTAINER, SETTINGS

NODE, ADDRESS = "a-control-plane-0", "10.89.1.11"
CLUSTER: dict[str, Any] = {
    "machines": {"subnet": "10.89.1.0/24"},
    "controlPlanes": {"count": 1},
    "apiServer": {"extraArgs": {"v": "3"}},
}


def of_version(version: str) -> Any:
    config = {**CONTAINER, "kubernetesVersion": version, "clusters": {"a": CLUSTER}}
    return load(config).clusters[0]


def rendered(version: str, folder: Path) -> ClusterFacts:
    """The facts of a control plane whose manifests this version's kubeadm has written."""
    cluster = of_version(version)
    documents = kubeadm.init_configuration(cluster.control_planes[0])
    documents = documents.replace(f"patches:\n  directory: {PATCHES}\n", "")
    file = folder / "init.yaml"
    file.write_text(f"{documents}---\n{kubeadm.cluster_documents(cluster)}")
    program = paths.bundle_dir(version) / "bin" / "kubeadm"
    for phase in (("control-plane", "all"), ("etcd", "local")):
        subprocess.run(
            [str(program), "init", "phase", *phase, "--dry-run", "--config", str(file)],
            env={**os.environ, "KUBEADM_INIT_DRYRUN_DIR": str(folder)},
            check=True,
            capture_output=True,
        )
    configuration = yaml.safe_load(kubeadm.cluster_configuration(cluster))
    own = own_values(configuration, {NODE: [ADDRESS]}).of_node(NODE)
    areas = {
        component: static_pods.items(
            yaml.safe_load((folder / f"{component}.yaml").read_text()), own
        )
        for component in facts.COMPONENTS
    }
    return ClusterFacts("a", version=version, nodes={NODE: areas})


@pytest.mark.root
@pytest.mark.parametrize("version", [pins.KUBERNETES, pins.KUBERNETES_NEWEST])
def test_every_flag_of_kubeadm_is_declared(version: str, tmp_path: Path) -> None:
    found, wanted = rendered(version, tmp_path), {"a": declared(of_version(version))}
    assert matrix([found], wanted).rows == []
    flags = found.nodes[NODE][facts.API_SERVER]
    assert flags["--advertise-address"] == "<node address>"
    assert flags["--v"] == "3"
    other = {"a": declared(of_version(pins.KUBERNETES_EARLIER))}
    rows = matrix([found], other).rows
    assert {row.item for row in rows} == {static_pods.VERSION}
    assert {row.cells[0].state for row in rows} == {State.NOT_DECLARED}


def test_clusters_share_what_is_declared_of_both() -> None:
    shared = SharedFacts()
    one, other = (declared(each, shared) for each in load(CONTAINER).clusters)
    assert one.areas[facts.RBAC] is other.areas[facts.RBAC]
    first, second = (next(iter(each.nodes.values())) for each in (one, other))
    assert first[facts.KUBELET] is second[facts.KUBELET]
    assert one.areas[facts.CLUSTER] != other.areas[facts.CLUSTER]
    alone = declared(load(CONTAINER).clusters[1])
    assert (alone.areas, alone.nodes) == (other.areas, other.nodes)


@pytest.mark.parametrize("config", [CONTAINER, SETTINGS], ids=["defaults", "settings"])
def test_what_is_compared_is_what_is_written(config: dict[str, Any]) -> None:
    """Objects are compared as they are made; runs apply them as text."""
    for cluster in load(config).clusters:
        of_kubeadm = yaml.safe_load_all(kubeadm.cluster_documents(cluster))
        assert list(map(_plain, kubeadm.cluster_objects(cluster))) == list(of_kubeadm)
        texts = (
            plugins.pod_network(cluster),
            manifests.probe(cluster),
            manifests.dns(),
            manifests.drain(cluster),
            namespaces.namespaces(cluster),
            image_policy.image_policy(cluster),
            metrics_server.metrics_server(cluster),
            people.access_objects(cluster),
            *map(hand_off.account, cluster.registrations),
        )
        written = [each for text in texts for each in yaml.safe_load_all(text) if each]
        assert list(_rendered(cluster)) == written
        assert len(written) > 10


def test_another_address_than_its_own_is_not_taken_for_it() -> None:
    own = own_values({}, {"x": ["10.0.0.1"], "y": ["10.0.0.11"]}).of_node("x")
    words = ["etcd", "--a=https://10.0.0.1:2379", "--b=https://10.0.0.11:2379", "--c=110.0.0.1"]
    assert static_pods.flags(words, own) == {
        "a": "https://<node address>:2379",
        "b": "https://10.0.0.11:2379",
        "c": "110.0.0.1",
    }


def test_first_members_of_etcd_are_any_control_planes() -> None:
    own = own_values({}, {"a": ["10.0.0.1"]}).of_node("a")
    first = static_pods.flags(
        ["etcd", "--name=a", "--initial-cluster=a=https://10.0.0.1:2380"], own
    )
    members = "gone=https://10.0.0.9:2380,a=https://10.0.0.1:2380"
    joined = [
        "etcd",
        "--name=a",
        f"--initial-cluster={members}",
        "--initial-cluster-state=existing",
    ]
    assert static_pods.flags(joined, own) == first
    assert static_pods.flags([*joined[:2], "--initial-cluster=a=http://evil:1"], own) != first
