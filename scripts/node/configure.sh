#!/usr/bin/env bash
# requires: paths
# What a machine must be like before kubeadm runs on it: kernel settings, the container runtime's
# configuration, the kubelet's unit. Only functions; they need no running service, so that a machine
# image can be configured while it is built. Each writes only what differs.

# What was written or installed and is not in use yet. On a machine it is noted before it is there: what
# a killed run did not come to use, the next one does.
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
# SYSTEMD_CGROUP is right where systemd manages cgroup v2. RESTRICT_OOM is needed where nobody may
# lower oom_score_adj, as in a container without CAP_SYS_RESOURCE.
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

# configure_patches: what kubeadm is to change in the manifests that it writes (the documents name this
# folder). It asks a component that starts every ten seconds whether it is there; asked every second,
# for as long in all, what waits for it goes on at once: the kubelet tells the API of a static pod
# whose API server was away when it began.
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

# must_restrict_oom: is nobody here allowed to lower oom_score_adj?
must_restrict_oom() {
  (echo -1 >/proc/self/oom_score_adj) 2>/dev/null && echo false || echo true
}
