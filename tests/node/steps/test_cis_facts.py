"""scripts/node/cis_facts.sh on a disk and processes of the test, and the facts that follow."""

import base64
from pathlib import Path

import pytest

from model.cis.machine_facts import MachineFacts, parse
from tests.node.steps.disk import Disk

STATIC, DYNAMIC = "0123456789abcdef0123456789abcdef", "01234567-89ab-cdef-0123-456789abcdef"
KEY = "c2VjcmV0IGtleSBmb3IgdGhlIHRlc3Q="
# The unit's files, and the kubelet's process.
SYSTEMD = """
systemctl() {{
  case $* in
    *MainPID*) echo {pid} ;;
    *) echo {units}/kubelet.service
      echo {units}/kubelet.service.d/10-kubeadm.conf {units}/service.d/10-all.conf ;;
  esac
}}
CIS_PROCESSES={folder}/proc
"""


class Machine:
    """A disk with processes."""

    def __init__(self, disk: Disk) -> None:
        self.disk = disk
        self.proc = disk.folder / "proc"
        self.proc.mkdir()
        self.kubelet = "0"

    def write(self, path: str, text: str = "", mode: int = 0o600) -> Path:
        """Write a file on the disk."""
        file = self.disk.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)
        return file

    def start(
        self, pid: int, *arguments: str, pod: str = STATIC, namespace: str = "kube-system"
    ) -> Path:
        """Start a process in a pod; its root is the machine's."""
        process = self.proc / str(pid)
        process.mkdir()
        (process / "cmdline").write_text("".join(f"{each}\0" for each in arguments))
        group = f"kubepods-burstable-pod{pod.replace('-', '_')}.slice"
        (process / "cgroup").write_text(f"0::/kubepods.slice/{group}/cri-containerd-1a.scope\n")
        (process / "environ").write_text("")
        (process / "root").symlink_to("/")
        name = Path(arguments[0]).name if arguments else "none"
        logs = self.disk.folder / f"var/log/pods/{namespace}_{name}-node_{pod}"
        logs.mkdir(parents=True, exist_ok=True)
        return process

    def path(self, path: str) -> str:
        """Return a path as a process names it."""
        return f"{self.disk.folder}/{path}"

    def printed(self) -> str:
        """Return what the script prints."""
        before = SYSTEMD.format(pid=self.kubelet, folder=self.disk.folder, units=self.path("etc"))
        ran = self.disk.run(f"{before}cis_facts", "cis_facts")
        assert ran.returncode == 0 and not ran.stderr, ran.stderr
        return ran.stdout.replace(str(self.disk.folder), "")

    def facts(self) -> MachineFacts:
        """Return the facts that follow."""
        return parse(self.printed().splitlines(), is_control_plane=True)


@pytest.fixture
def machine(disk: Disk) -> Machine:
    return Machine(disk)


def test_modes_and_owners_are_those_of_the_files(machine: Machine) -> None:
    machine.write("etc/kubernetes/manifests/etcd.yaml", mode=0o644)
    machine.write("etc/cni/net.d/10-a.conflist")
    owner = machine.write("var/lib/cni/networks/a/10.0.0.2")
    facts = machine.facts()
    assert facts.files["/etc/kubernetes/manifests/etcd.yaml"].mode == 0o644
    assert facts.files["/etc/kubernetes/manifests"].kind == "d"
    assert facts.files["/etc/cni/net.d/10-a.conflist"].mode == 0o600
    found = facts.files["/var/lib/cni/networks/a/10.0.0.2"]
    assert found.owner == f"{owner.owner()}:{owner.group()}"


def test_what_is_behind_a_link_counts(machine: Machine) -> None:
    target = machine.write("etc/elsewhere", mode=0o666)
    (machine.disk.folder / "etc/kubernetes/admin.conf").symlink_to(target)
    assert machine.facts().files["/etc/kubernetes/admin.conf"].mode == 0o666


def test_a_name_cannot_pass_for_a_line(machine: Machine) -> None:
    machine.write("etc/kubernetes/a\nunit\tb")
    machine.write("etc/kubernetes/c\td")
    facts = machine.facts()
    assert "/etc/kubernetes/a?unit\tb" in facts.files
    assert "/etc/kubernetes/c\td" in facts.files
    assert "b" not in facts.units


def test_former_files_of_kubeadm_are_not_in_use(machine: Machine) -> None:
    machine.write("etc/kubernetes/tmp/kubeadm-backup/etcd.yaml", mode=0o644)
    assert not [path for path in machine.facts().files if "tmp" in path]


def test_components_are_the_pods_of_kube_system(machine: Machine) -> None:
    machine.start(10, "/usr/local/bin/kube-scheduler", "--profiling=false")
    # The same program in a pod of somebody's namespace, and outside of any pod.
    machine.start(11, "kube-scheduler", "--profiling", pod=DYNAMIC, namespace="tenant")
    (machine.start(12, "etcd") / "cgroup").write_text("0::/system.slice/etcd.service\n")
    (machine.proc / "13").mkdir()
    facts = machine.facts()
    (scheduler,) = facts.processes["kube-scheduler"]
    assert scheduler.last("profiling") == "false"
    assert list(facts.processes) == ["kube-scheduler"]


def test_a_pod_with_a_dashed_uid_is_found(machine: Machine) -> None:
    config = machine.write("etc/proxy.conf", "metricsBindAddress: 0.0.0.0:10249\n")
    machine.start(10, "kube-proxy", f"--config={config}", pod=DYNAMIC)
    assert machine.facts().document("kube-proxy", "config") == {
        "metricsBindAddress": "0.0.0.0:10249"
    }


def test_flags_name_files_in_both_forms(machine: Machine) -> None:
    data = machine.disk.folder / "var/lib/data"
    data.mkdir(mode=0o700)
    machine.start(10, "etcd", "--data-dir", "/nowhere", f"--data-dir={data}")
    config = machine.write("etc/scheduler.conf", mode=0o640)
    machine.start(11, "kube-scheduler", "--kubeconfig", str(config))
    facts = machine.facts()
    assert (facts.files["/var/lib/data"].mode, facts.files["/var/lib/data"].kind) == (0o700, "d")
    assert facts.files["/etc/scheduler.conf"].mode == 0o640


def test_the_kubelets_service_and_config_are_read(machine: Machine) -> None:
    config = machine.write("var/lib/kubelet/config.yaml", "readOnlyPort: 0\nmaxPods: 110\n", 0o644)
    machine.write("etc/kubelet.d/20-b.conf", "maxPods: 60\n")
    machine.write("etc/kubelet.d/10-a.conf", "readOnlyPort: 10255\nmaxPods: 50\n")
    machine.write("etc/kubelet.d/not-merged.txt", "maxPods: 1\n")
    machine.write("etc/kubelet.service", mode=0o644)
    machine.write("etc/kubelet.service.d/10-kubeadm.conf")
    drop_ins = machine.path("etc/kubelet.d")
    machine.start(7, "kubelet", f"--config={config}", f"--config-dir={drop_ins}")
    machine.kubelet = "7"
    facts = machine.facts()
    assert facts.kubelet_config() == {"readOnlyPort": 10255, "maxPods": 60}
    assert facts.units == ("/etc/kubelet.service", "/etc/kubelet.service.d/10-kubeadm.conf")
    assert facts.files["/etc/kubelet.service"].mode == 0o644
    assert facts.files["/var/lib/kubelet/config.yaml"].mode == 0o644
    assert len(facts.processes["kubelet"]) == 1


def test_no_key_is_printed(machine: Machine) -> None:
    config = machine.write(
        "etc/encryption.yaml",
        "resources:\n- resources: [secrets]\n  providers:\n"
        "  # - identity: {}\n"
        f"  - secretbox:\n      keys: [{{name: identity, secret: {KEY}}}]\n"
        "  - identity: {}\n",
    )
    machine.write("etc/kubernetes/pki/sa.key", KEY)
    machine.write("etc/kubernetes/admin.conf", KEY)
    machine.start(10, "kube-apiserver", f"--encryption-provider-config={config}")
    printed = machine.printed()
    encoded = base64.b64encode(KEY.encode()).decode()
    assert KEY not in printed and encoded not in printed
    assert machine.facts().providers == ("providers", "secretbox", "identity")


def test_json_is_an_encryption_config_too(machine: Machine) -> None:
    text = '{"resources": [{"resources": ["*.*"], "providers": [{"aescbc": {"keys": []}}]}]}'
    config = machine.write("etc/encryption.json", text)
    machine.start(10, "kube-apiserver", f"--encryption-provider-config={config}")
    assert machine.facts().providers == ("providers", "aescbc")


def test_of_etcds_environment_only_its_own_settings_are_printed(machine: Machine) -> None:
    process = machine.start(10, "etcd")
    (process / "environ").write_text(
        "PASSWORD=a\0ETCD_AUTO_TLS=true\0ETCD_INITIAL_CLUSTER_TOKEN=b\0"
    )
    assert machine.facts().variables == {"ETCD_AUTO_TLS": "true"}


def test_cas_are_compared_by_their_digests(machine: Machine) -> None:
    one, other = machine.write("etc/one.crt", "one"), machine.write("etc/other.crt", "other")
    machine.start(10, "etcd", f"--trusted-ca-file={one}")
    machine.start(11, "kube-apiserver", f"--client-ca-file={other}")
    digests = machine.facts().digests
    assert len(set(digests.values())) == len(digests) == 2


def test_a_document_that_is_missing_is_known_to_be_named(machine: Machine) -> None:
    machine.start(10, "kube-apiserver", "--audit-policy-file=/nowhere/policy.yaml")
    (document,) = machine.facts().documents
    assert (document.flag, document.text) == ("audit-policy-file", None)


def test_an_empty_machine_has_complete_facts(machine: Machine) -> None:
    facts = machine.facts()
    assert not facts.processes and not facts.documents
