#!/usr/bin/env bash
# requires: paths
# The configuration of a machine before kubeadm runs: kernel settings, container runtime, kubelet
# unit. Only functions; they need no running service, so that a machine image can be configured
# during its build. Each writes only differences.

# Files that were written or installed but are not in use yet. On a machine each is recorded before it
# is written, so that the next run puts the files of a killed run to use.
CHANGED=()
CHANGED_RECORD=/dev/null

recall_changed() {
  CHANGED_RECORD=$STATE/changed
  if [[ -f $CHANGED_RECORD ]]; then
    mapfile -t CHANGED <"$CHANGED_RECORD"
  fi
}

forget_changed() {
  CHANGED=()
  rm -f "$STATE/changed"
}

changed() { # PATH
  CHANGED+=("$1")
  printf '%s\n' "$1" >>"$CHANGED_RECORD"
}

is_changed() { # BEGINNING_OF_A_PATH
  [[ " ${CHANGED[*]} " == *" $1"* ]]
}

# write_managed_file PATH: write standard input to PATH unless it is there already.
write_managed_file() {
  local path=$1 text
  text=$(cat)
  [[ -f $path ]] && [[ $(<"$path") == "$text" ]] && return
  mkdir -p "${path%/*}"
  printf '%s\n' "$text" >"$path.new"
  changed "$path"
  mv "$path.new" "$path"
}

configure_kernel() {
  printf 'overlay\nbr_netfilter\n' | write_managed_file /etc/modules-load.d/kubeadm-fleet.conf
  write_managed_file /etc/sysctl.d/90-kubeadm-fleet.conf <<'SYSCTL'
net.ipv4.ip_forward = 1
net.bridge.bridge-nf-call-iptables = 1
net.bridge.bridge-nf-call-ip6tables = 1
SYSCTL
}

# configure_containerd PAUSE_IMAGE SYSTEMD_CGROUP RESTRICT_OOM: containerd 2's configuration.
# SYSTEMD_CGROUP is true where systemd manages cgroup v2. RESTRICT_OOM is required where
# oom_score_adj cannot be lowered, as in a container without CAP_SYS_RESOURCE.
configure_containerd() {
  write_managed_file /etc/containerd/config.toml <<TOML
version = 3

[grpc]
  address = "/run/containerd/containerd.sock"

[plugins."io.containerd.cri.v1.images"]
  snapshotter = "overlayfs"
  [plugins."io.containerd.cri.v1.images".pinned_images]
    sandbox = "$1"
  [plugins."io.containerd.cri.v1.images".registry]
    config_path = "/etc/containerd/certs.d"

[plugins."io.containerd.cri.v1.runtime"]
  restrict_oom_score_adj = $3
  [plugins."io.containerd.cri.v1.runtime".containerd]
    default_runtime_name = "runc"
    [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
        SystemdCgroup = $2
  [plugins."io.containerd.cri.v1.runtime".cni]
    bin_dirs = ["/opt/cni/bin"]
    conf_dir = "/etc/cni/net.d"
TOML
  write_managed_file /etc/systemd/system/containerd.service <<'UNIT'
[Unit]
Description=containerd container runtime
Documentation=https://containerd.io
After=network.target local-fs.target

[Service]
ExecStartPre=-/sbin/modprobe overlay
ExecStart=/usr/local/bin/containerd
Type=notify
Delegate=yes
KillMode=process
Restart=always
RestartSec=1
LimitNPROC=infinity
LimitCORE=infinity
TasksMax=infinity
OOMScoreAdjust=-999

[Install]
WantedBy=multi-user.target
UNIT
}

# configure_kubelet: the unit and the drop-in that kubeadm expects.
# https://kubernetes.io/docs/setup/production-environment/tools/kubeadm/kubelet-integration/
configure_kubelet() {
  write_managed_file /etc/systemd/system/kubelet.service <<'UNIT'
[Unit]
Description=kubelet: the Kubernetes node agent
Documentation=https://kubernetes.io/docs/
Wants=network-online.target
After=network-online.target containerd.service

[Service]
ExecStart=/usr/local/bin/kubelet
Restart=always
StartLimitInterval=0
RestartSec=1

[Install]
WantedBy=multi-user.target
UNIT
  write_managed_file /etc/systemd/system/kubelet.service.d/10-kubeadm.conf <<'UNIT'
[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
EnvironmentFile=-/etc/default/kubelet
ExecStart=
ExecStart=/usr/local/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS
UNIT
}

# configure_patches: kubeadm's patches of its manifests (its configuration names this folder). By
# default startup probes run every ten seconds; every second, with the same total time, dependents
# continue at once, such as the kubelet, which reports a static pod only when the API server is up.
configure_patches() {
  local component
  for component in etcd kube-apiserver kube-controller-manager kube-scheduler; do
    write_managed_file "/var/lib/kubeadm-fleet/patches/$component+strategic.yaml" <<YAML
spec:
  containers:
  - name: $component
    startupProbe: {initialDelaySeconds: 0, periodSeconds: 1, failureThreshold: 240}
YAML
  done
}

# must_restrict_oom: is lowering oom_score_adj forbidden here?
must_restrict_oom() {
  (echo -1 >/proc/self/oom_score_adj) 2>/dev/null && echo false || echo true
}
