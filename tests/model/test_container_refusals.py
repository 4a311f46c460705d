"""Invalid configs of container machines: path and message of each problem."""

import pytest

from tests.model.examples import ABSENT, CONTAINER
from tests.model.refusals import Case, check_refused, problems

ONE, TWO = "clusters/cluster1", "clusters/cluster2"
THREE = (f"{ONE}/controlPlanes/count", 3)

CASES: dict[str, Case] = {
    "unknown key": ([("bogus", 1)], "bogus", "unknown key"),
    "misspelt key": (
        [(f"{ONE}/netwrok", "flannel")],
        "clusters.cluster1.netwrok", "did you mean network?",
    ),
    "key on the wrong level": (
        [(f"{ONE}/podSubnet", "10.1.0.0/16")],
        "clusters.cluster1.podSubnet", "did you mean networking.podSubnet?",
    ),
    "snake case": (
        [(f"{ONE}/control_planes", {"count": 1})],
        "clusters.cluster1.control_planes", "did you mean controlPlanes?",
    ),
    "no clusters": ([("clusters", {})], "clusters", "no cluster is defined"),
    "clusters missing": ([("clusters", ABSENT)], "clusters", "missing"),
    "clusters as a list": ([("clusters", [])], "clusters", "not a mapping"),
    "an empty cluster": ([(ONE, None)], "clusters.cluster1", "not a mapping"),
    "name that is no label": (
        [("clusters/Tokyo_1", {"machines": {"subnet": "10.89.3.0/24"}})],
        "clusters.Tokyo_1", "not a DNS label",
    ),
    "name of another cluster's machine": (
        [("clusters/cluster1-worker-0", {"machines": {"subnet": "10.89.3.0/24"}})],
        "clusters.cluster1-worker-0", "resource names of cluster cluster1",
    ),
    "name of another cluster's control plane": (
        [("clusters/cluster1-control-plane", {"machines": {"subnet": "10.89.3.0/24"}})],
        "clusters.cluster1-control-plane", "resource names of cluster cluster1",
    ),
    "name too long for its machines": (
        [(f"clusters/{'a' * 50}", {"machines": {"subnet": "10.89.3.0/24"}})],
        f"clusters.{'a' * 50}", "would be longer than 63 characters",
    ),
    "version as a number": ([("kubernetesVersion", 1.36)], "kubernetesVersion", "not a Kubernetes"),
    "version without a patch": (
        [("kubernetesVersion", "1.36")], "kubernetesVersion", "not a full version number",
    ),
    "old version": (
        [("kubernetesVersion", "1.34.2")], "kubernetesVersion", "1.34 is not supported",
    ),
    "new version": (
        [(f"{ONE}/kubernetesVersion", "1.38.0")],
        "clusters.cluster1.kubernetesVersion", "1.38 is not supported",
    ),
    "no control planes": (
        [(f"{ONE}/controlPlanes/count", 0)],
        "clusters.cluster1.controlPlanes.count", "at least one control plane",
    ),
    "two control planes": (
        [(f"{ONE}/controlPlanes/count", 2), (f"{ONE}/endpoint/external", "a.example.com:6443")],
        "clusters.cluster1.controlPlanes.count", "odd number",
    ),
    "nine control planes": (
        [(f"{ONE}/controlPlanes/count", 9), (f"{ONE}/endpoint/external", "a.example.com:6443")],
        "clusters.cluster1.controlPlanes.count", "etcd becomes slow",
    ),
    "negative workers": (
        [(f"{ONE}/workers/count", -1)], "clusters.cluster1.workers.count", "out of range 0 to 5000",
    ),
    "count as text": (
        [(f"{ONE}/workers/count", "3")], "clusters.cluster1.workers.count", "not a number",
    ),
    "count as a truth": (
        [(f"{ONE}/workers/count", True)], "clusters.cluster1.workers.count", "not a number",
    ),
    "count as a fraction": (
        [(f"{ONE}/workers/count", 1.5)], "clusters.cluster1.workers.count", "not a number",
    ),
    "three control planes without an endpoint": (
        [THREE], "clusters.cluster1.endpoint", "3 control planes need a shared endpoint",
    ),
    "endpoint without a port": (
        [(f"{ONE}/endpoint/external", "api.example.com")],
        "clusters.cluster1.endpoint.external", "not a host and port",
    ),
    "endpoint as a URL": (
        [(f"{ONE}/endpoint/external", "https://api.example.com:6443")],
        "clusters.cluster1.endpoint.external", "not a host and port",
    ),
    "endpoint with a port too high": (
        [(f"{ONE}/endpoint/external", "api.example.com:65536")],
        "clusters.cluster1.endpoint.external", "65535",
    ),
    "endpoint with half an address": (
        [(f"{ONE}/endpoint/external", "10.1.2:6443")],
        "clusters.cluster1.endpoint.external", "10.1.2",
    ),
    "an endpoint twice": (
        [(f"{ONE}/endpoint/external", "a.example.com:6443"),
         (f"{TWO}/endpoint/external", "a.example.com:6443")],
        "clusters.cluster2.endpoint.external", "same endpoint as cluster cluster1",
    ),
    "an endpoint that is another cluster's own": (
        [(f"{ONE}/endpoint/external", "10.89.2.11:6443")],
        "clusters.cluster2.endpoint", "same endpoint as cluster cluster1",
    ),
    "unknown driver": ([("machines/driver", "docker")], "machines.driver", "unknown driver"),
    "unknown network": (
        [(f"{ONE}/network", "cilium")], "clusters.cluster1.network", "unknown pod network",
    ),
    "memory in other units": ([("machines/memory", "2GB")], "machines.memory", "not a quantity"),
    "memory as a number": ([("machines/memory", 2)], "machines.memory", "not a quantity"),
    "too little memory": (
        [("machines/memory", "512Mi"), (f"{TWO}/machines/memory", "2Gi")],
        "machines.memory", "not enough memory",
    ),
    "too little memory for one role": (
        [(f"{ONE}/workers/memory", "1023Mi")],
        "clusters.cluster1.workers.memory", "not enough memory",
    ),
    "no cores": ([("machines/cpus", 0)], "machines.cpus", "out of range 0.1 to 256"),
    "cores as a truth": ([("machines/cpus", True)], "machines.cpus", "not a number of cores"),
    "no subnet": (
        [(f"{ONE}/machines/subnet", ABSENT)],
        "clusters.cluster1.machines.subnet", "container machines need their own subnet",
    ),
    "subnet with host bits": (
        [(f"{ONE}/machines/subnet", "10.89.1.1/24")],
        "clusters.cluster1.machines.subnet", "not an IPv4 network",
    ),
    "subnet of IPv6": (
        [(f"{ONE}/machines/subnet", "fd00::/64")],
        "clusters.cluster1.machines.subnet", "not an IPv4 network",
    ),
    "subnet as a number": (
        [(f"{ONE}/machines/subnet", 10)],
        "clusters.cluster1.machines.subnet", "not an IPv4 network",
    ),
    "subnet of loopback": (
        [(f"{ONE}/machines/subnet", "127.1.0.0/24")],
        "clusters.cluster1.machines.subnet", "addresses of 127.0.0.0/8",
    ),
    "subnet too small for a control plane": (
        [(f"{ONE}/machines/subnet", "10.89.1.0/29"), (f"{ONE}/workers/count", 0)],
        "clusters.cluster1.machines.subnet", "1 control-plane machines start at .11",
    ),
    "subnet too small for its workers": (
        [(f"{ONE}/workers/count", 155)],
        "clusters.cluster1.machines.subnet", "155 worker machines start at .101",
    ),
    "pods over Services": (
        [(f"{ONE}/networking", {"podSubnet": "10.100.0.0/16"})],
        "clusters.cluster1.networking.serviceSubnet", "overlaps 10.100.0.0/16 (the pods of",
    ),
    "machines over pods": (
        [(f"{ONE}/networking", {"podSubnet": "10.89.0.0/20", "serviceSubnet": "10.96.0.0/16"}),
         (f"{TWO}/machines/subnet", "10.88.1.0/24")],
        "clusters.cluster1.machines.subnet", "overlaps 10.89.0.0/20",
    ),
    "machines over Services": (
        [(f"{ONE}/machines/subnet", "10.97.0.0/24"),
         (f"{TWO}/networking/serviceSubnet", "10.20.0.0/16")],
        "clusters.cluster1.machines.subnet", "overlaps 10.96.0.0/12",
    ),
    "machines over another cluster's machines": (
        [(f"{TWO}/machines/subnet", "10.89.0.0/22")],
        "clusters.cluster1.machines.subnet", "overlaps 10.89.0.0/22 (the machines of cluster2)",
    ),
    "machines over another cluster's pods": (
        [(f"{TWO}/machines/subnet", "10.244.7.0/24"),
         (f"{TWO}/networking", {"podSubnet": "10.32.0.0/16"})],
        "clusters.cluster2.machines.subnet", "overlaps 10.244.0.0/16 (the pods of cluster1)",
    ),
    "pods with no room for a Node": (
        [(f"{ONE}/networking", {"podSubnet": "10.244.0.0/25"})],
        "clusters.cluster1.networking.podSubnet", "must provide a /24 per Node",
    ),
    "pods with too little room": (
        [(f"{ONE}/networking", {"podSubnet": "10.244.0.0/23"}), (f"{ONE}/workers/count", 2)],
        "clusters.cluster1.networking.podSubnet", "3 Nodes need a /24 each",
    ),
    "Services too few": (
        [(f"{ONE}/networking", {"serviceSubnet": "10.96.0.0/25"})],
        "clusters.cluster1.networking.serviceSubnet", "too small",
    ),
    "Services too many": (
        [(f"{ONE}/networking", {"serviceSubnet": "172.0.0.0/11"})],
        "clusters.cluster1.networking.serviceSubnet", "larger than the API server supports",
    ),
    "a domain that is none": (
        [(f"{ONE}/networking", {"dnsDomain": "Cluster.Local"})],
        "clusters.cluster1.networking.dnsDomain", "not a DNS domain",
    ),
    "label key that Kubernetes keeps": (
        [(f"{ONE}/labels", {"kubernetes.io/hostname": "a"})],
        'clusters.cluster1.labels["kubernetes.io/hostname"]', "reserved for Kubernetes",
    ),
    "label key of a domain below": (
        [(f"{ONE}/labels", {"node-role.kubernetes.io/gpu": "a"})],
        'clusters.cluster1.labels["node-role.kubernetes.io/gpu"]', "reserved for Kubernetes",
    ),
    "label key that is none": (
        [(f"{ONE}/labels", {"-region": "a"})],
        "clusters.cluster1.labels.-region", "not a label key",
    ),
    "label key too long": (
        [(f"{ONE}/labels", {"a" * 64: "a"})],
        f"clusters.cluster1.labels.{'a' * 64}", "not a label key",
    ),
    "label value as a truth": (
        [(f"{ONE}/labels/gpu", True)], "clusters.cluster1.labels.gpu", "not a label value",
    ),
    "label value with a blank": (
        [(f"{ONE}/labels/gpu", "a b")], "clusters.cluster1.labels.gpu", "not a label value",
    ),
    "hosts for containers": (
        [(f"{ONE}/workers", {"hosts": {}})],
        "clusters.cluster1.workers.hosts", "not supported by driver container",
    ),
    "SSH for containers": (
        [(f"{ONE}/machines/ssh", {"user": "root"})],
        "clusters.cluster1.machines.ssh", "not supported by driver container",
    ),
    "protect as text": ([("protect", "yes")], "protect", "not true or false"),
    "unknown source": ([("artifacts", {"source": "oci"})], "artifacts.source", "unknown source"),
    "mirror that is no URL": (
        [("artifacts", {"mirror": "mirror.example.com"})], "artifacts.mirror", "not a base URL",
    ),
    "mirror with a password": (
        [("artifacts", {"mirror": "https://ann:hunter2@example.com"})],
        "artifacts.mirror", "stored and shown in plain text",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_config_is_rejected_with_exactly_this_problem(case: Case) -> None:
    check_refused(CONTAINER, case)


@pytest.mark.parametrize("raw", [None, "", 3, [], "clusters: {}"])
def test_a_non_mapping_is_rejected_at_the_root(raw: object) -> None:
    (problem,) = problems(raw)
    assert problem.path == "kubeadm-fleet:fleet"
    assert problem.problem == "not a mapping"
    assert problem.example.startswith("clusters: {cluster1:")
