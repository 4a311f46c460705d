"""Files of machines that somebody edited, added, removed or opened."""

import re

from tests.e2e.seeded.fault import Fault, Place

MANIFESTS = "/etc/kubernetes/manifests"
ASIDE = "/var/tmp/seeded"


def edited(file: str, edit: str, then: str = "true") -> tuple[str, str]:
    """Shell that edits a file, and shell that puts back what was there; `then` follows both."""
    copy = f"{ASIDE}{file}"
    plant = f"test -e {file}; mkdir -p $(dirname {copy}); cp -a {file} {copy}; {edit}; {then}"
    return plant, f"cp -a {copy} {file}; {then}"


def fault(
    name: str,
    place: Place,
    file: str,
    edit: str,
    source: str,
    then: str = "true",
    said: str | None = None,
    physics: int = 0,
    alone: bool = False,
) -> Fault:
    """A fault that is an edited file, which must be named by its path, with its machine."""
    plant, restore = edited(file, edit, then)
    names = ("NODE", said or rf"{re.escape(file)}(?![\w./-])")
    return Fault(name, place, plant, restore, names, source, physics=physics, alone=alone)


CP, WORKER = Place.CONTROL_PLANE, Place.WORKER
API_SERVER = f"{MANIFESTS}/kube-apiserver.yaml"
SCHEDULER = f"{MANIFESTS}/kube-scheduler.yaml"
AUDIT_POLICY, ENCRYPTION = (
    f"$(sed -n 's/.*--{flag}=//p' {API_SERVER})"
    for flag in ("audit-policy-file", "encryption-provider-config")
)
KUBELET = "/var/lib/kubelet/config.yaml"
# As kubelet does it for each static pod: the first line of its arguments.
FLAG = "sed -i 's/^\\( *- \\)--kubeconfig=/\\1--v=3\\n&/' "
STATIC_POD = f"""cat >{MANIFESTS}/debug.yaml <<'END'
apiVersion: v1
kind: Pod
metadata: {{name: debug, namespace: kube-system}}
spec: {{hostNetwork: true, containers: [{{name: debug, image: registry.k8s.io/pause:3.10.1}}]}}
END"""
OTHER_CA = (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 "
    "-subj /CN=kubernetes -keyout /dev/null 2>/dev/null >>/etc/kubernetes/pki/ca.crt"
)

FAULTS = (
    fault(
        "a static pod's manifest is edited",
        CP,
        SCHEDULER,
        FLAG + SCHEDULER,
        "kubernetes/kubeadm#2823",
    ),
    fault(
        "a flag of the API server is changed",
        CP,
        API_SERVER,
        f"sed -i 's/^\\( *- \\)--advertise-address=/\\1--v=3\\n&/' {API_SERVER}",
        "kubernetes/kubernetes#136962",
        physics=30,
        alone=True,
    ),
    fault(
        "the audit log is turned off",
        CP,
        API_SERVER,
        f"sed -i '/--audit-log-path=/d' {API_SERVER}",
        "CIS 1.2.16",
        physics=30,
        alone=True,
    ),
    fault(
        "the audit policy records nothing",
        CP,
        AUDIT_POLICY,
        "printf 'apiVersion: audit.k8s.io/v1\\nkind: Policy\\nrules: [{level: None}]\\n' "
        f">{AUDIT_POLICY}",
        "CIS 3.2.1",
        said=r"audit-policy\.yaml",
    ),
    fault(
        "the encryption of Secrets is edited",
        CP,
        ENCRYPTION,
        f"echo '# edited' >>{ENCRYPTION}",
        "k3s-io/k3s encryption at rest; CIS 1.2.28",
        said="(?i)encrypt",
    ),
    Fault(
        "a manifest that nobody declared",
        CP,
        STATIC_POD,
        f"rm {MANIFESTS}/debug.yaml",
        ("NODE", "debug"),
        "kubernetes/website#45758",
    ),
    Fault(
        "a backup of a manifest beside it",
        CP,
        f"cp {SCHEDULER} {SCHEDULER}.bak",
        f"rm {SCHEDULER}.bak",
        ("NODE", r"kube-scheduler\.yaml\.bak"),
        "kubernetes/kubernetes#136962",
    ),
    fault(
        "a setting of the kubelet is changed",
        WORKER,
        KUBELET,
        f"sed -i '/^maxPods:/d' {KUBELET}; echo 'maxPods: 70' >>{KUBELET}",
        "kubernetes-sigs/kubespray kubelet config drift",
        then="systemctl restart kubelet",
    ),
    fault(
        "a unit is edited",
        WORKER,
        "/etc/systemd/system/kubelet.service",
        "printf '[Service]\\nEnvironment=GODEBUG=x509sha1=1\\n' "
        ">>/etc/systemd/system/kubelet.service",
        "kubernetes-sigs/kubespray#10293",
        then="systemctl daemon-reload",
    ),
    Fault(
        "a drop-in of a unit",
        WORKER,
        "mkdir -p /etc/systemd/system/containerd.service.d; printf "
        "'[Service]\\nEnvironment=HTTPS_PROXY=http://192.0.2.1:3128\\n' "
        ">/etc/systemd/system/containerd.service.d/99-proxy.conf; systemctl daemon-reload",
        "rm /etc/systemd/system/containerd.service.d/99-proxy.conf; systemctl daemon-reload",
        ("NODE", r"99-proxy\.conf|containerd\.service"),
        "kubernetes-sigs/kubespray#10293 (10-kubeadm.conf of a package)",
    ),
    fault(
        "the container runtime's configuration is edited",
        WORKER,
        "/etc/containerd/config.toml",
        "sed -i 's/SystemdCgroup = true/SystemdCgroup = false/' /etc/containerd/config.toml; "
        "echo '# edited' >>/etc/containerd/config.toml",
        "containerd/containerd#7276",
    ),
    fault(
        "a program is replaced",
        WORKER,
        "/usr/local/bin/kubelet",
        "cp /usr/local/bin/kubelet /var/tmp/new; echo >>/var/tmp/new; "
        "mv /var/tmp/new /usr/local/bin/kubelet",
        "kubernetes-sigs/kubespray#10293; Netcracker/KubeMarine#649",
        said="bin/kubelet",
    ),
    Fault(
        "a plugin of the pod network is lost",
        WORKER,
        f"mkdir -p {ASIDE}; mv /opt/cni/bin/portmap {ASIDE}/portmap",
        f"mv {ASIDE}/portmap /opt/cni/bin/portmap",
        ("NODE", "cni/bin/portmap"),
        "containernetworking/plugins (failed to find plugin in path)",
    ),
    Fault(
        "the pod network's configuration is lost",
        WORKER,
        f"mkdir -p {ASIDE}; mv /etc/cni/net.d/*.conflist {ASIDE}/",
        # containerd ignores what is moved into the folder, not what is renamed in it.
        f"mv {ASIDE}/*.conflist /etc/cni/net.d/; cd /etc/cni/net.d; "
        "for file in *.conflist; do mv $file .$file; mv .$file $file; done",
        ("NODE", "NetworkNotReady"),
        "kubernetes/kubernetes (cni config uninitialized)",
        physics=30,
        age=130,  # Until then a Node may still wait for its pod network.
        alone=True,
    ),
    Fault(
        "everybody may read a private key",
        CP,
        "chmod 644 /etc/kubernetes/pki/ca.key",
        "chmod 600 /etc/kubernetes/pki/ca.key",
        ("NODE", r"/etc/kubernetes/pki/ca\.key"),
        "rancher/rke-tools#88; CIS 1.1.21",
    ),
    Fault(
        "everybody may list etcd's data",
        CP,
        "chmod 755 /var/lib/etcd",
        "chmod 700 /var/lib/etcd",
        ("NODE", "/var/lib/etcd", "755"),
        "kubernetes/kubernetes#94142; CIS 1.1.11",
    ),
    fault(
        "another CA is trusted",
        CP,
        "/etc/kubernetes/pki/ca.crt",
        OTHER_CA,
        "kubernetes/kubeadm CA rotation by hand",
    ),
    fault(
        "the kubelet's kubeconfig names another API server",
        WORKER,
        "/etc/kubernetes/kubelet.conf",
        "sed -i 's#server: .*#server: https://192.0.2.1:6443#' /etc/kubernetes/kubelet.conf",
        "kubernetes/kubeadm#2502",
    ),
)
