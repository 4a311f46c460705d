#!/usr/bin/env bash
# The yardstick of `make bench`: the dev stack's two clusters (one control plane and one worker
# each) made with bare commands, the way a person would type them: machines from the same root
# image, images imported by ctr on each machine, `kubeadm init`, `kubeadm join` with a token, flannel
# and the network probe. Its end is the program's: every Node is Ready, CoreDNS is available, the
# probe pod on every Node is Ready. It prints a line a phase and removes everything at the end.
# usage: bare.sh WORK_DIR IMAGE_ROOT BUNDLE_DIR KUBERNETES_VERSION MANIFESTS_DIR
set -euo pipefail

WORK=$1 ROOT=$2 BUNDLE=$3 VERSION=$4 MANIFESTS=$5
TOKEN=abcdef.0123456789abcdef
WHOLE_SECONDS=180
# One cgroup per machine below the caller's own, in every hierarchy of cgroup v1 (or the one of v2).
mapfile -t HIERARCHIES < <(awk -F: '{ print ($2 == "" ? "unified" : $2) ":" $3 }' /proc/self/cgroup)
PIDS=() CLUSTERS=() LINKS=()

hierarchy() { # NAME:PATH -> the caller's own cgroup directory, empty when it is not mounted
  local name=${1%%:*} path=${1#*:}
  name=${name#name=}
  for mount in "/sys/fs/cgroup/$name" /sys/fs/cgroup; do
    if [[ -e $mount$path/cgroup.procs ]]; then
      echo "$mount${path%/}"
      return
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
  mkdir -p "$dir/disk/root/.ssh" "$dir/disk/var/lib/containerd"
  cp "$WORK/key.pub" "$dir/disk/root/.ssh/authorized_keys"
  ssh-keygen -q -t ed25519 -N '' -f "$dir/disk/etc/ssh/ssh_host_ed25519_key"
  echo "$name" >"$dir/disk/etc/hostname"
  printf '127.0.0.1 localhost\n%s %s\n' "$address" "$name" >"$dir/disk/etc/hosts"
  : >"$dir/disk/etc/machine-id"
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
      --bind="$dir/containerd:/var/lib/containerd" --bind-ro="$BUNDLE:/bundle" \
      >"$dir/log" 2>&1 </dev/null
  ) &
  PIDS+=($!)
}

prepare() { # ADDRESS IMAGES...
  local address=$1
  shift
  until on "$address" true 2>/dev/null; do sleep 0.2; done
  on "$address" "until ctr version >/dev/null 2>&1; do sleep 0.1; done
    for image in $*; do ctr -n k8s.io images import --local \"/bundle/\$image\" >/dev/null & done; wait"
}

cluster() { # NAME SUBNET_PREFIX
  local name=$1 net=$2 first=$2.11 second=$2.12
  # shellcheck disable=SC2086
  { prepare "$first" $CONTROL_PLANE_IMAGES & prepare "$second" $WORKER_IMAGES & wait; }
  lap "$name prepared"
  on "$first" "cat >/root/kubeadm.yaml
    kubeadm init --config /root/kubeadm.yaml --ignore-preflight-errors=SystemVerification \
      --skip-token-print >/root/init.log 2>&1" <<YAML
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint: {advertiseAddress: $first}
bootstrapTokens: [{token: $TOKEN}]
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: $VERSION
networking: {podSubnet: 10.244.0.0/16}
controlPlaneEndpoint: $first:6443
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
  lap "$name init"
  { sed "s/endpoint.example.com/$first/" "$MANIFESTS/flannel.yaml" && echo --- &&
    cat "$MANIFESTS/probe.yaml"; } |
    on "$first" "kubectl --kubeconfig /etc/kubernetes/admin.conf apply -f - >/dev/null" &
  local applied=$!
  on "$second" "kubeadm join $first:6443 --ignore-preflight-errors=SystemVerification \
    --token $TOKEN --discovery-token-unsafe-skip-ca-verification >/root/join.log 2>&1"
  lap "$name joined"
  wait "$applied"
  on "$first" "export KUBECONFIG=/etc/kubernetes/admin.conf
    wait_for() { kubectl wait --timeout=${WHOLE_SECONDS}s \"\$@\" >/dev/null || exit 1; }
    wait_for --for=condition=Ready nodes --all
    wait_for --namespace kube-system --for=condition=Available deployment/coredns
    wait_for --namespace kube-system --for=jsonpath={.status.numberReady}=2 \
      daemonset/kubeadm-fleet-probe"
  lap "$name whole"
}

remove() {
  local name entry own link
  for pid in "${CLUSTERS[@]}"; do kill "$pid" 2>/dev/null || true; done
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
  for link in "${LINKS[@]}" bare1 bare2; do ip link del "$link" 2>/dev/null || true; done
  rm -rf "$WORK"
}

CONTROL_PLANE_IMAGES=$(cd "$BUNDLE" && echo images/*.tar)
WORKER_IMAGES=$(cd "$BUNDLE" && echo images/{coredns,flannel,flannel-cni-plugin,kube-proxy,pause}.tar)
NAMES=(bare1-control-plane bare1-worker bare2-control-plane bare2-worker)
mkdir -p "$WORK"
trap remove EXIT
ssh-keygen -q -t ed25519 -N '' -f "$WORK/key"
BEGAN=$EPOCHREALTIME
for n in 1 2; do
  net=10.85.$n
  ip link add "bare$n" type bridge
  ip addr add "$net.1/24" dev "bare$n"
  ip link set "bare$n" up
  boot "bare$n-control-plane" "$net.11" "$net.1" "bare$n"
  boot "bare$n-worker" "$net.12" "$net.1" "bare$n"
done
cluster bare1 10.85.1 &
CLUSTERS+=($!)
cluster bare2 10.85.2 &
CLUSTERS+=($!)
for pid in "${CLUSTERS[@]}"; do wait "$pid"; done
lap "both clusters whole"
