"""The units of haproxy and keepalived, separate from those of the distribution.

haproxy's reload starts a new process for new connections:
https://www.haproxy.com/documentation/haproxy-configuration-manual/latest/management/#3
"""

from model.render.node_paths import LOAD_BALANCER_FOLDER

HAPROXY = f"""\
[Unit]
Description=kubeadm-fleet: load balancer of the cluster's endpoint
After=network-online.target
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStart=/usr/sbin/haproxy -Ws -f {LOAD_BALANCER_FOLDER}/haproxy.cfg \
-p /run/kubeadm-fleet-endpoint/haproxy.pid
ExecReload=/usr/sbin/haproxy -c -q -f {LOAD_BALANCER_FOLDER}/haproxy.cfg
ExecReload=/bin/kill -USR2 $MAINPID
RuntimeDirectory=kubeadm-fleet-endpoint
KillMode=mixed
SuccessExitStatus=143
Restart=always
RestartSec=200ms
OOMScoreAdjust=-997

[Install]
WantedBy=multi-user.target
"""

KEEPALIVED = f"""\
[Unit]
Description=kubeadm-fleet: virtual IP address of the cluster's endpoint
After=network-online.target kubeadm-fleet-haproxy.service
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStart=/usr/sbin/keepalived --dont-fork --vrrp \
--use-file {LOAD_BALANCER_FOLDER}/keepalived.conf \
--pid /run/kubeadm-fleet-keepalived.pid --vrrp_pid /run/kubeadm-fleet-vrrp.pid
ExecReload=/bin/kill -HUP $MAINPID
Restart=always
RestartSec=200ms
OOMScoreAdjust=-997

[Install]
WantedBy=multi-user.target
"""
