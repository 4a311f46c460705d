"""The container runtime: containerd's configuration (version 3, of containerd 2) and unit.

https://github.com/containerd/containerd/blob/main/docs/cri/config.md
"""

from model.outbound import VARIABLES
from model.render import node_scripts
from model.render.node_paths import STATE

# Facts of a host, filled in by scripts/node/files.sh: the sandbox image that kubeadm expects;
# whether systemd manages cgroup v2; whether lowering oom_score_adj is forbidden, as in a container
# without CAP_SYS_RESOURCE.
PAUSE_IMAGE = "@PAUSE_IMAGE@"
SYSTEMD_CGROUP = "@SYSTEMD_CGROUP@"
RESTRICT_OOM = "@RESTRICT_OOM@"

CONFIG = f"""\
version = 3

[grpc]
  address = "/run/containerd/containerd.sock"

[plugins."io.containerd.cri.v1.images"]
  snapshotter = "overlayfs"
  [plugins."io.containerd.cri.v1.images".pinned_images]
    sandbox = "{PAUSE_IMAGE}"
  [plugins."io.containerd.cri.v1.images".registry]
    config_path = "/etc/containerd/certs.d"

[plugins."io.containerd.cri.v1.runtime"]
  restrict_oom_score_adj = {RESTRICT_OOM}
  [plugins."io.containerd.cri.v1.runtime".containerd]
    default_runtime_name = "runc"
    [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
        SystemdCgroup = {SYSTEMD_CGROUP}
  [plugins."io.containerd.cri.v1.runtime".cni]
    bin_dirs = ["/opt/cni/bin"]
    conf_dir = "/etc/cni/net.d"
"""

# Ends all containers when the machine shuts down, and does nothing when containerd alone stops.
SHUTDOWN_SCRIPT = f"{STATE}/pod-shutdown.sh"
SHUTDOWN = f"{node_scripts.source('pod_shutdown')}end_pods\n"

UNIT = f"""\
[Unit]
Description=containerd container runtime
Documentation=https://containerd.io
After=network.target local-fs.target

[Service]
ExecStartPre=-/sbin/modprobe overlay
ExecStart=/usr/local/bin/containerd
ExecStop=-/bin/bash {SHUTDOWN_SCRIPT}
Type=notify
Delegate=yes
KillMode=process
Restart=always
RestartSec=1
LimitNPROC=infinity
LimitCORE=infinity
TasksMax=infinity
OOMScoreAdjust=-999
UnsetEnvironment={" ".join(VARIABLES)}

[Install]
WantedBy=multi-user.target
"""
