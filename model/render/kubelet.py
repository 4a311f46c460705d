"""The kubelet's unit, and the drop-in that kubeadm expects.

https://kubernetes.io/docs/setup/production-environment/tools/kubeadm/kubelet-integration/
"""

from model.outbound import VARIABLES
from model.render.node_paths import SYSCTL_FILE

# The kernel's settings are set again before it starts, since it does not start with others: a file
# that is read later at boot, such as /etc/sysctl.d/99-sysctl.conf, may have set them, too.
UNIT = f"""\
[Unit]
Description=kubelet: the Kubernetes node agent
Documentation=https://kubernetes.io/docs/
Wants=network-online.target
After=network-online.target containerd.service

[Service]
ExecStartPre=-/usr/lib/systemd/systemd-sysctl {SYSCTL_FILE}
ExecStart=/usr/local/bin/kubelet
UnsetEnvironment={" ".join(VARIABLES)}
Restart=always
StartLimitInterval=0
RestartSec=1

[Install]
WantedBy=multi-user.target
"""

KUBEADM_DROP_IN = """\
[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf \
--kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
EnvironmentFile=-/etc/default/kubelet
ExecStart=
ExecStart=/usr/local/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS \
$KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS
"""
