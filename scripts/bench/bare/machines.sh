#!/usr/bin/env bash
# shellcheck disable=SC2034 # What is set here is used by the scripts that read this one.
# Machines of the bare scripts: booted from the root image that the program uses, reached over SSH,
# removed at the end. Only functions, and the five arguments that every bare script takes.
# usage: SCRIPT WORK_DIR IMAGE_ROOT BUNDLE_DIR KUBERNETES_VERSION MANIFESTS_DIR [MORE]
WORK=$1 ROOT=$2 BUNDLE=$3 VERSION=$4 MANIFESTS=$5
# Bundles, as the machines see them, are below BUNDLES.
BUNDLES=${BUNDLE%/*}
TOKEN=abcdef.0123456789abcdef
WHOLE_SECONDS=180
KUBECONFIG_OF_ROOT=/etc/kubernetes/admin.conf
# One cgroup per machine below the caller's own, in every hierarchy of cgroup v1 (or the one of v2).
mapfile -t HIERARCHIES < <(awk -F: '{ print ($2 == "" ? "unified" : $2) ":" $3 }' /proc/self/cgroup)
# What `remove` is to end: nspawns, jobs of the script, links, bridges, machines by name.
PIDS=() JOBS=() LINKS=() BRIDGES=() NAMES=()

hierarchy() { # NAME:PATH -> the caller's own cgroup directory, empty when it is not mounted
  local name=${1%%:*} path=${1#*:}
  name=${name#name=}
  for mount in "/sys/fs/cgroup/$name" /sys/fs/cgroup; do
    if [[ -e $mount$path/cgroup.procs ]]; then
      echo "$mount${path%/}"
      return 0 # Without a number it would be the status before the trap in which it is called.
    fi
  done
}

lap() { printf '%-24s %6.2f s\n' "$1" "$(awk -v a="$BEGAN" -v b="$EPOCHREALTIME" 'BEGIN {print b - a}')"; }

on() { # ADDRESS COMMAND...
  local address=$1
  shift
  ssh -i "$WORK/key" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
    -o LogLevel=ERROR -o ConnectTimeout=2 "root@$address" "$@"
}

boot() { # NAME ADDRESS GATEWAY BRIDGE
  local name=$1 address=$2 gateway=$3 bridge=$4 dir=$WORK/$1 link=bare${2//./}
  link=${link:0:15}
  mkdir -p "$dir"/{upper,work,disk,containerd}
  mount -t overlay overlay -o "lowerdir=$ROOT,upperdir=$dir/upper,workdir=$dir/work" "$dir/disk"
  mkdir -p "$dir/disk/var/lib/containerd"
  (cd "$dir/disk" && install -D -m 0600 "$WORK/key.pub" root/.ssh/authorized_keys)
  ssh-keygen -q -t ed25519 -N '' -f "$dir/disk/etc/ssh/ssh_host_ed25519_key"
  echo "$name" >"$dir/disk/etc/hostname"
  printf '127.0.0.1 localhost\n%s %s\n' "$address" "$name" >"$dir/disk/etc/hosts"
  : >"$dir/disk/etc/machine-id"
  NAMES+=("$name")
  ip netns add "$name"
  LINKS+=("$link")
  ip link add "$link" type veth peer name eth0 netns "$name"
  ip link set "$link" master "$bridge" up
  ip -n "$name" addr add "$address/24" dev eth0
  ip -n "$name" link set eth0 up
  ip -n "$name" link set lo up
  ip -n "$name" route add default via "$gateway"
  (
    for entry in "${HIERARCHIES[@]}"; do
      own=$(hierarchy "$entry")
      [[ -n $own ]] || continue
      mkdir -p "$own/$name"
      if [[ -e $own/cpuset.cpus ]]; then
        cat "$own/cpuset.cpus" >"$own/$name/cpuset.cpus"
        cat "$own/cpuset.mems" >"$own/$name/cpuset.mems"
      fi
      echo "$BASHPID" >"$own/$name/cgroup.procs"
    done
    SYSTEMD_NSPAWN_API_VFS_WRITABLE=1 exec setsid systemd-nspawn -D "$dir/disk" --machine="$name" \
      --register=no --keep-unit --boot --network-namespace-path="/run/netns/$name" \
      --capability=all --system-call-filter=@known --bind=/dev/kmsg \
      --bind="$dir/containerd:/var/lib/containerd" --bind-ro="$BUNDLES:/bundles" \
      >"$dir/log" 2>&1 </dev/null
  ) &
  PIDS+=($!)
}

bridge() { # NAME ADDRESS
  BRIDGES+=("$1")
  ip link add "$1" type bridge
  ip addr add "$2/24" dev "$1"
  ip link set "$1" up
}

make_work_folder() {
  mkdir -p "$WORK"
  trap remove EXIT
  ssh-keygen -q -t ed25519 -N '' -f "$WORK/key"
  begin
}

# begin: laps count from now on.
begin() { BEGAN=$EPOCHREALTIME; }

wait_all() { # PID...: end with the first failure
  local pid
  for pid in "$@"; do wait "$pid"; done
}

prepare() { # ADDRESS IMAGES...
  local address=$1
  shift
  until on "$address" true 2>/dev/null; do sleep 0.2; done
  on "$address" "until ctr version >/dev/null 2>&1; do sleep 0.1; done"
  import "$address" "${BUNDLE##*/}" "$@"
}

import() { # ADDRESS NAME_OF_BUNDLE IMAGES...: in parallel
  local address=$1 bundle=$2
  shift 2
  on "$address" "for image in $*; do
      ctr -n k8s.io images import --local \"/bundles/$bundle/\$image\" >/dev/null &
      all+=(\$!)
    done
    for each in \"\${all[@]}\"; do wait \$each || exit 1; done"
}

init_documents() { # ADDRESS ENDPOINT [KEY of the certificates that other control planes take over]
  cat <<YAML
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint: {advertiseAddress: $1}
bootstrapTokens: [{token: $TOKEN}]
${3:+certificateKey: $3}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: $VERSION
networking: {podSubnet: 10.244.0.0/16}
controlPlaneEndpoint: $2
---
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
failSwapOn: false
failCgroupV1: false
imageGCHighThresholdPercent: 100
evictionHard: {nodefs.available: 1Gi, imagefs.available: 1Gi, memory.available: 100Mi}
---
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
conntrack: {maxPerCore: 0, min: 0}
YAML
}

init() { # ADDRESS ENDPOINT [KEY]
  init_documents "$@" | on "$1" "cat >kubeadm.yaml
    kubeadm init --config kubeadm.yaml --ignore-preflight-errors=SystemVerification \
      --skip-token-print ${3:+--upload-certs} >init.log 2>&1 ||
      { cat init.log >&2 && exit 1; }"
}

join() { # ADDRESS ENDPOINT OPTIONS...
  local address=$1 endpoint=$2
  shift 2
  on "$address" "kubeadm join $endpoint --ignore-preflight-errors=SystemVerification \
    --token $TOKEN --discovery-token-unsafe-skip-ca-verification $* >join.log 2>&1 ||
    { cat join.log >&2 && exit 1; }"
}

addons() { # ADDRESS HOST: flannel and the network probe
  { sed "s/endpoint.example.com/$2/" "$MANIFESTS/cni/flannel.yaml" && echo --- &&
    cat "$MANIFESTS/baseline/probe.yaml"; } |
    on "$1" "kubectl --kubeconfig $KUBECONFIG_OF_ROOT apply -f - >/dev/null"
}

# await_ready ADDRESS NODES: every Node is Ready, CoreDNS is available, every probe is Ready.
await_ready() {
  on "$1" "export KUBECONFIG=$KUBECONFIG_OF_ROOT
    wait_for() { kubectl wait --timeout=${WHOLE_SECONDS}s \"\$@\" >/dev/null || exit 1; }
    wait_for --for=condition=Ready nodes --all
    wait_for --namespace kube-system --for=condition=Available deployment/coredns
    wait_for --namespace kube-system --for=jsonpath={.status.numberReady}=$2 \
      daemonset/kubeadm-fleet-probe"
}

remove() {
  local name entry own link
  for pid in "${JOBS[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${PIDS[@]}"; do
    for leader in $(pgrep -P "$pid"); do kill -KILL "$leader" 2>/dev/null || true; done
    kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  for name in "${NAMES[@]}"; do
    ip netns del "$name" 2>/dev/null || true
    umount -l "$WORK/$name/disk" 2>/dev/null || true
    for entry in "${HIERARCHIES[@]}"; do
      own=$(hierarchy "$entry")
      [[ -d $own/$name ]] || continue
      until find "$own/$name" -depth -type d -exec rmdir {} + 2>/dev/null; do sleep 0.1; done
    done
  done
  # The kernel ends a namespace, and a link into it, only after a while.
  for link in "${LINKS[@]}" "${BRIDGES[@]}"; do ip link del "$link" 2>/dev/null || true; done
  rm -rf "$WORK"
}

# Images of a role, as paths in a bundle.
control_plane_images() { (cd "$1" && echo images/*.tar); }
worker_images() {
  (cd "$1" && echo images/{coredns,flannel,flannel-cni-plugin,kube-proxy,pause}.tar)
}
