#!/usr/bin/env bash
# The end of containers when their machine shuts down. Stopping containerd leaves them running, and
# systemd would give those that are left 90 s: many of them, since the first process of a container
# never receives a signal that it does not handle. containerd's unit runs this when it stops
# (model/render/containerd.py): the kubelet has ended, the network is still there.
# Only functions.
SHUTDOWN_SECONDS=30

# end_pods: if the system shuts down, end all containers: etcd's after those of its clients, the
# sandboxes last, since one may hold the processes of its pod.
end_pods() {
  [[ $(systemctl is-system-running 2>/dev/null) == stopping ]] || return 0
  end_processes all-but etcd pause
  end_processes only etcd
  kill_processes only pause
}

# end_processes all-but|only NAME...: send SIGTERM to these processes, and SIGKILL to those that would
# not receive it or are still there after SHUTDOWN_SECONDS.
end_processes() {
  local began=$SECONDS pid handled
  while read -r pid handled; do
    if [[ $handled == yes ]]; then kill -TERM "$pid" 2>/dev/null; else kill -KILL "$pid" 2>/dev/null; fi
  done < <(pod_processes "$@")
  while [[ -n $(pod_processes "$@") ]]; do
    if ((SECONDS - began >= SHUTDOWN_SECONDS)); then
      kill_processes "$@"
      return
    fi
    sleep 0.1
  done
}

kill_processes() { # all-but|only NAME...
  local pid _
  while read -r pid _; do
    kill -KILL "$pid" 2>/dev/null
  done < <(pod_processes "$@")
}

# pod_processes all-but|only NAME...: print the processes that containerd's shims started, except
# zombies: the process, and whether it would receive SIGTERM. Of the first process of a PID namespace
# the kernel drops a signal without a handler (pid_namespaces(7)); SIGTERM is bit 14 of its mask.
pod_processes() {
  local which=$1
  shift
  cat /proc/[0-9]*/status 2>/dev/null | awk -v which="$which" -v names=" $* " '
    $1 == "Name:" {name = $2}
    $1 == "State:" {state = $2}
    $1 == "Pid:" {pid = $2; named[pid] = name; ended[pid] = state ~ /[ZX]/}
    $1 == "PPid:" {parent[pid] = $2}
    $1 == "NSpid:" {first[pid] = NF > 2 && $NF == 1}
    $1 == "SigCgt:" {handles[pid] = substr($2, length($2) - 3, 1) ~ /[4-7c-f]/}
    END {
      for (pid in parent)
        if (named[parent[pid]] ~ /^containerd-shim/ && !ended[pid] &&
            (index(names, " " named[pid] " ") > 0) == (which == "only"))
          print pid, (first[pid] && !handles[pid]) ? "no" : "yes"
    }'
}
