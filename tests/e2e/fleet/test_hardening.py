"""What every cluster has by default, on its machines and in its processes, and what a config adds.

The tests run in order: the last ones change the second cluster, and change it back.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from model.own_namespaces import NETWORK_NAMESPACES
from model.render import kernel
from tests.e2e.kubectl import Kubectl
from tests.e2e.machines import Machines
from tests.e2e.pod_network import IMAGE
from tests.e2e.pulumi_stack import PulumiStack
from tests.waiting import await_true

pytestmark = [pytest.mark.root, pytest.mark.slow]

PLANE, WORKER = "cluster2-control-plane-0", "cluster2-worker-0"
# Sections 1.1 and 4.1 of the benchmark: what is not as it requires.
MODES = """
cd /etc/kubernetes
stat -Lc '%a %U:%G %n' *.conf manifests/*.yaml /var/lib/kubelet/config.yaml /etc/cni/net.d/* \
  /etc/systemd/system/kubelet.service /etc/systemd/system/kubelet.service.d/*.conf \
  $(find pki -name '*.key' -o -name '*.pem') 2>/dev/null | grep -v '^600 root:root '
stat -Lc '%a %U:%G %n' $(find pki -name '*.crt') | grep -vE '^6[04][04] root:root '
find pki ! -user root -o ! -group root
[ ! -d /var/lib/etcd/member ] || stat -c '%a %U:%G' /var/lib/etcd | grep -v '^700 etcd:etcd$'
true
"""
WEAK = "ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:AES128-SHA:@SECLEVEL=0"
STRONG = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256"
HANDSHAKE = """
# Members of etcd talk to each other at the Node's address alone.
peer=$(grep -o 'listen-peer-urls=https://[0-9.]*' /etc/kubernetes/manifests/etcd.yaml)
handshake() { # PORT OPTIONS
  local host=127.0.0.1
  [ "$1" != 2380 ] || host=${peer##*/}
  openssl s_client -connect $host:$1 -cert /etc/kubernetes/pki/etcd/healthcheck-client.crt \
    -key /etc/kubernetes/pki/etcd/healthcheck-client.key "${@:2}" </dev/null 2>&1 |
    sed -n 's/^New, .*Cipher is //p'
}
for port in 2379 2380 6443 10250 10257 10259; do
  echo "$port weak $(handshake $port -tls1_2 -cipher WEAK)"
  echo "$port old $(handshake $port -tls1_1 -cipher DEFAULT:@SECLEVEL=0)"
  echo "$port strong $(handshake $port -tls1_2 -cipher STRONG)"
done
""".replace("WEAK", WEAK).replace("STRONG", STRONG)
FLAGS = {
    "kube-apiserver": (
        "--profiling=false",
        "--service-account-extend-token-expiration=false",
        "--tls-min-version=VersionTLS12",
        "--enable-admission-plugins=NodeRestriction",
    ),
    "kube-controller-manager": (
        *("--profiling=false", "--terminated-pod-gc-threshold=1000", "--bind-address=127.0.0.1"),
    ),
    "kube-scheduler": ("--profiling=false", "--bind-address=127.0.0.1"),
    "etcd": ("--tls-min-version=TLS1.2", "--client-cert-auth=true", "--peer-client-cert-auth=true"),
}
PID_LIMITS = (
    "find /sys/fs/cgroup -regextype posix-extended"
    " -regex '.*/(kubepods-.*)?pod[0-9a-f_-]{36}(.slice)?/pids.max' -exec cat {} + | sort -u"
)
SECURITY = {
    "images": {"registries": ["ghcr.io"]},
    "namespaces": {
        "team-a": {
            "quota": {"pods": 1, "limits.memory": "64Mi"},
            "limits": {"default": {"memory": "32Mi"}, "max": {"memory": "64Mi"}},
        }
    },
}
SIDE_ROADS = [
    "nginx",
    "nginx:1.29",
    "docker.io/library/nginx",
    "ghcr.io:5000/flannel",
    "ghcr.io.example.com/flannel",
    "ghcr.io@example.com/flannel",
    "example.com/ghcr.io/flannel",
    "library/ghcr.io/flannel",
    "GHCR.io/flannel",
    "localhost/ghcr.io/flannel",
]
ALLOWED = [IMAGE, "ghcr.io/flannel-io/flannel", f"ghcr.io/a@sha256:{'0' * 64}"]


@pytest.fixture(scope="module")
def cluster(kubectl: Kubectl) -> Kubectl:
    return kubectl.within("cluster2-admin")


@pytest.mark.parametrize("machine", [PLANE, WORKER])
def test_files_have_the_modes_and_owners_of_the_benchmark(machines: Machines, machine: str) -> None:
    assert machines.run(machine, MODES) == ""


def test_processes_have_the_flags(machines: Machines) -> None:
    for name, flags in FLAGS.items():
        arguments = machines.run(
            PLANE, f"tr '\\0' ' ' </proc/$(pgrep -xo {name[:15]})/cmdline"
        ).split()
        assert set(flags) <= set(arguments), name


def test_old_versions_and_weak_cipher_suites_of_tls_are_refused(machines: Machines) -> None:
    said = [line.split(maxsplit=2) for line in machines.run(PLANE, HANDSHAKE).splitlines()]
    assert len(said) == 18
    for port, kind, *cipher in said:
        if kind == "strong":
            assert cipher and cipher[0] in STRONG.split(":"), port
        else:
            assert cipher in ([], ["(NONE)"]), f"{port} accepts {cipher}"


@pytest.mark.parametrize("machine", [PLANE, WORKER])
def test_kubelets_protect_their_machine(machines: Machines, machine: str) -> None:
    settings = [line.split(" = ") for line in kernel.SYSCTL.splitlines()]
    shown = machines.run(machine, "; ".join(f"sysctl -n {name}" for name, _ in settings))
    assert shown.split() == [value for _, value in settings]
    assert machines.run(machine, PID_LIMITS).split() == ["4096"]


def test_kubelets_show_no_profile(cluster: Kubectl) -> None:
    for node in (PLANE, WORKER):
        proxied = f"/api/v1/nodes/{node}/proxy"
        for path in ("debug/pprof/", "debug/flags/v"):
            with pytest.raises(AssertionError, match="MethodNotAllowed"):
                cluster("get", "--raw", f"{proxied}/{path}")
        assert "kubelet_" in cluster("get", "--raw", f"{proxied}/metrics")


def test_of_our_pods_only_those_that_ask_the_api_have_a_token(cluster: Kubectl) -> None:
    with_token = set()
    pods = (
        pod
        for namespace in ("kube-system", *NETWORK_NAMESPACES.values())
        for pod in cluster.items("--namespace", namespace, "get", "pods")
    )
    for found in pods:
        for each in (*found["spec"]["containers"], *found["spec"].get("initContainers", ())):
            mounts = {mount["mountPath"] for mount in each.get("volumeMounts", ())}
            if "/var/run/secrets/kubernetes.io/serviceaccount" in mounts:
                with_token.add((found["metadata"]["namespace"], each["name"]))
    # Those of kube-system that kubeadm applies are not ours.
    assert with_token == {
        *(("kube-system", name) for name in ("coredns", "kube-proxy", "metrics-server")),
        *(("kube-flannel", "flannel"), ("calico-system", "calico-node")),
    }


def pod(name: str, image: str = IMAGE, **spec: Any) -> dict[str, Any]:
    """A pod that sleeps, or would."""
    sleeping = {"name": "main", "image": image, "command": ["busybox", "sleep", "1000"]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {"containers": [sleeping], "terminationGracePeriodSeconds": 0, **spec},
    }


def create(cluster: Kubectl, item: dict[str, Any], *options: str) -> str:
    """Create an object; return the API's refusal, or ""."""
    try:
        cluster("create", "--filename", "-", *options, stdin=json.dumps(item))
    except AssertionError as refused:
        return str(refused)
    return ""


def test_a_container_has_the_seccomp_profile_of_the_runtime(cluster: Kubectl) -> None:
    assert create(cluster, pod("plain")) == ""
    cluster("wait", "--for=condition=Ready", "pod/plain", "--timeout=60s")
    status = cluster("exec", "plain", "--", "busybox", "grep", "Seccomp:", "/proc/self/status")
    assert status.split() == ["Seccomp:", "2"]
    cluster("delete", "--now", "pod/plain")


@pytest.fixture(scope="module")
def restricted(fleet: PulumiStack, machines: Machines, cluster: Kubectl) -> Iterator[Kubectl]:
    """The second cluster with restricted images and a namespace, and with files put right.

    It has a pod that is older than the restriction, and files that others may read.
    """
    assert create(cluster, pod("older", "nginx", nodeSelector={"no": "node"})) == ""
    machines.run(WORKER, "chmod 0644 /var/lib/kubelet/config.yaml")
    machines.run(PLANE, "chown root:root /var/lib/etcd; chmod 0640 /etc/kubernetes/pki/ca.key")
    fleet.refresh()
    fleet.config["clusters"]["cluster2"]["security"] = SECURITY
    preview = fleet.preview().output
    assert "/var/lib/kubelet/config.yaml: mode 644 instead of 600" in preview
    assert "/var/lib/etcd: owner root:root instead of etcd:etcd" in preview
    fleet.up()
    try:
        yield cluster
    finally:
        fleet.config["clusters"]["cluster2"].pop("security", None)
        cluster("delete", "--now", "--ignore-not-found", "pod/older")
        fleet.up()


def test_exposed_files_are_restricted_again(restricted: Kubectl, machines: Machines) -> None:
    for machine in (PLANE, WORKER):
        assert machines.run(machine, MODES) == ""


def test_images_of_other_registries_are_rejected_in_every_place(restricted: Kubectl) -> None:
    dry = "--dry-run=server"
    says = "images of other registries than ghcr.io: "
    await_true(lambda: says in create(restricted, pod("foreign", "nginx"), dry), "the policy")
    for image in SIDE_ROADS:
        assert f"{says}{image}" in create(restricted, pod("foreign", image), dry)
    first = pod("foreign", initContainers=[{"name": "first", "image": "nginx"}])
    assert f"{says}nginx" in create(restricted, first, dry)
    volume = pod("foreign", volumes=[{"name": "image", "image": {"reference": "nginx"}}])
    assert f"{says}nginx" in create(restricted, volume, dry)
    for image in ALLOWED:
        assert create(restricted, pod("own", image), dry) == ""
    assert create(restricted, pod("foreign", "nginx"), dry, "--namespace=kube-system") == ""


def test_a_pod_that_is_older_than_the_policy_can_be_changed(restricted: Kubectl) -> None:
    restricted("label", "pod", "older", "seen=yes")
    with pytest.raises(AssertionError, match=r"registries than ghcr\.io: busybox"):
        restricted("debug", "older", "--image=busybox", "--profile=baseline")


def test_a_namespace_s_quota_and_limits_hold(restricted: Kubectl) -> None:
    inside = "--namespace=team-a"
    await_true(lambda: not create(restricted, pod("first"), inside), "the quota to be counted")
    limit = "jsonpath={.spec.containers[0].resources.limits.memory}"
    assert restricted("get", "pod", "first", inside, "--output", limit) == "32Mi"
    assert "exceeded quota: kubeadm-fleet" in create(restricted, pod("second"), inside)


def test_what_is_no_longer_configured_goes_but_for_the_namespace(
    restricted: Kubectl, fleet: PulumiStack
) -> None:
    fleet.config["clusters"]["cluster2"].pop("security")
    assert sorted(fleet.up().steps("delete")) == ["cluster2-images", "cluster2-namespaces"]
    names = restricted("get", "validatingadmissionpolicies,quota,limits,pods", "--output=name",
                       "--all-namespaces").split()  # fmt: skip
    assert not [name for name in names if "kubeadm-fleet-images" in name or "quota" in name]
    assert "pod/first" in names
    restricted("delete", "namespace", "team-a", "--wait=false")
