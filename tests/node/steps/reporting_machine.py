"""A member on a disk, which reports on itself: scripts/node/drift_report.sh."""

import json
from pathlib import Path
from typing import Any

from model.host_digests import HostReport, parse
from tests.node.steps.disk import Disk

KUBELET = "/usr/local/bin/kubelet"
CONFIG = "/etc/containerd/config.toml"
MIRROR = "/etc/containerd/certs.d/example.org/hosts.toml"
PROXY = "/etc/systemd/system/containerd.service.d/50-kubeadm-fleet-proxy.conf"
SECRET = "/var/lib/kubeadm-fleet/api-server/secrets/encryption.yaml"
UNIT = "/etc/systemd/system/kubelet.service"
KUBELET_KUBECONFIG, CA = "/etc/kubernetes/kubelet.conf", "/etc/kubernetes/pki/ca.crt"
FILES = {
    CONFIG: "version = 3\n",
    MIRROR: 'server = "x"\nauthorization = "Basic abc"\n',
    PROXY: "Environment=HTTPS_PROXY=http://me:pass@proxy:3128\n",
    SECRET: "key: c2VjcmV0\n",
    UNIT: "[Service]\n",
    KUBELET_KUBECONFIG: "server: https://192.0.2.1:6443\n",
    CA: "-----BEGIN CERTIFICATE-----\n",
    "/etc/systemd/system/containerd.service": "[Service]\n",
    "/etc/kubernetes/manifests/kube-apiserver.yaml": "kind: Pod\n",
}
# What the machine is, instead of this host.
STAND_INS = r"""
MODULES_FOLDER=$DISK/run
UNITS_FOLDER=$DISK/etc/systemd/system
VERSIONED=("$DISK/usr/local/bin/kubelet")
watched_facts() {
  local path
  while read -r path; do fact "file:$path" "$(digest "$path")"; done <"$DISK/watched"
  printf 'service:%s\tactive\n' containerd kubelet
}
identify() { :; }
systemctl() {
  local unit state
  [[ $1 == show ]] || return 0
  for unit in "${@:4}"; do
    state=$(cat "$DISK/unit-$unit" 2>/dev/null || echo active running 0 enabled)
    read -r active sub restarts file drop <<<"$state"
    printf 'Id=%s\nActiveState=%s\nSubState=%s\n' "$unit" "$active" "$sub"
    printf 'NRestarts=%s\nUnitFileState=%s\nDropInPaths=%s\n\n' "$restarts" "$file" "$drop"
  done
}
timedatectl() { cat "$DISK/clock" 2>/dev/null || echo no; }
curl() {
  local ahead date
  if [[ ${!#} != */livez ]]; then cat "$DISK/etcd-health" 2>/dev/null; return; fi
  # What the API server's clock shows: a line for each answer, the last one for all others.
  printf '%s\n' "${!#}" >>"$DISK/asked"
  ahead=$(sed -n "$(wc -l <"$DISK/asked")p;\$p" "$DISK/server-ahead" 2>/dev/null | head -1)
  [[ $ahead != silent ]] || return 28
  date=$(date --utc --date "@$((EPOCHSECONDS + ${ahead:-0}))" '+%a, %d %b %Y %H:%M:%S GMT')
  printf 'HTTP/2 401 \r\ncontent-length: 0\r\ndate: %s\r\n\r\n' "$date"
}
timeout() { shift; "$@"; }
df() {
  echo "Use%"
  for _ in "${@:3}"; do cat "$DISK/used" 2>/dev/null || echo ' 41%'; done
}
openssl() { [[ $1 != dgst ]] || echo "${*:4}" >>"$DISK/hashed"; command openssl "$@"; }
"""
SETTINGS = "KUBERNETES_VERSION=v1.36.3 CONTROL=c KUBELET=k RECORDED=r"


class ReportingMachine:
    """A member, with what was declared for it."""

    def __init__(self, disk: Disk) -> None:
        self.disk = disk
        disk.join()
        (disk.folder / "etc/kubernetes/kubelet.conf").chmod(0o600)
        (disk.folder / "etc/os-release").write_text('PRETTY_NAME="Test 1"\n')
        self.write("/etc/sysctl.d/90-kubeadm-fleet.conf", "kernel.ostype = Linux\n")
        for path, content in FILES.items():
            self.write(path, content)
        self.write(KUBELET, "#!/bin/sh\necho Kubernetes v1.36.3\n").chmod(0o755)
        watched = [path for path in FILES if path not in (SECRET, KUBELET_KUBECONFIG, CA)]
        watched.append("/var/lib/kubelet/instance-config.yaml")
        self.write("/watched", "".join(f"{disk.folder}{path}\n" for path in watched))
        self.install()
        self.apply()

    def path(self, path: str) -> Path:
        return Path(f"{self.disk.folder}{path}")

    def write(self, path: str, content: str) -> Path:
        target = self.path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content)
        target.chmod(0o600)
        return target

    def install(self, origin: str = "") -> None:
        """Record the program as it is now."""
        path = self.path(KUBELET)
        note = f'printf "%s\\t%s\\t%s\\t%s\\n" {path} '
        sum_ = f'"$(command sha256sum <{path} | cut -d " " -f 1)"'
        self.shell(f"{note}{origin or sum_} $(stat --format '%s %.Y' {path}) >>$STATE/files")

    def apply(self) -> None:
        """Record all that is there as declared, a while after the last step."""
        self.shell(f"{SETTINGS}; set -Eeuo pipefail; shopt -s nullglob; record_applied")

    def shell(self, call: str, script: str = "applied_state") -> str:
        ran = self.disk.run(f"{STAND_INS}\n{call}", script)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    def document(self, more: str = "") -> dict[str, Any]:
        self.shell(f"{more}\nreport_drift", "drift_report")
        text = self.path("/run/kubeadm-fleet-drift/report.json").read_text()
        document: dict[str, Any] = json.loads(text.replace(str(self.disk.folder), ""))
        return document

    def report(self, more: str = "") -> HostReport:
        return parse(self.document(more))

    def differences(self, more: str = "") -> list[str]:
        return [each.text for each in self.report(more).differences]

    def inspected(self) -> list[str]:
        """What an inspection says besides files and services."""
        lines = self.shell("set -Eeuo pipefail; inspect").replace(str(self.disk.folder), "")
        return [line for line in lines.splitlines() if line.startswith("drift:")]

    def hashed(self) -> str:
        """What was read since the last call."""
        record = self.path("/hashed")
        text = record.read_text() if record.exists() else ""
        record.write_text("")
        return text.replace(str(self.disk.folder), "")
