"""What a control plane does by the clock: a script of scripts/node/ as a file, and its units.

The timer runs it a few minutes after a boot or a join, and then periodically, however long the
machine was off: it measures from the last run. The delays are random, so that the control planes
of a cluster hardly ever renew the same leaf at the same time.
https://www.freedesktop.org/software/systemd/man/latest/systemd.timer.html
"""

from datetime import timedelta

from model.render import node_scripts
from model.render.node_paths import STATE

SCRIPT = f"{STATE}/renewal.sh"
UNIT = "kubeadm-fleet-renewal"
LONGEST_PERIOD = timedelta(hours=6)
LONGEST_DELAY = timedelta(minutes=5)
# A leaf is renewed in the last third of its validity: there are four attempts.
RUNS_PER_LEAF = 12

SERVICE = f"""\
[Unit]
Description=kubeadm-fleet: renewal of certificates, snapshots of etcd
ConditionPathExists={STATE}/member

[Service]
Type=oneshot
ExecStart=/bin/bash {SCRIPT}
Environment=HOME=/root
TimeoutStartSec=1h
Nice=10
IOSchedulingClass=idle
"""


def period(leaves: timedelta) -> timedelta:
    """Return the time between two runs, for leaves that are valid for this long."""
    return min(LONGEST_PERIOD, leaves / RUNS_PER_LEAF)


def timer(every: timedelta) -> str:
    """Return the timer's unit."""
    delay = min(LONGEST_DELAY, every / 10)
    return f"""\
[Unit]
Description=kubeadm-fleet: renewal of certificates, snapshots of etcd
ConditionPathExists={STATE}/member

[Timer]
OnActiveSec={_seconds(min(every, timedelta(minutes=3)))}
OnUnitActiveSec={_seconds(every)}
RandomizedDelaySec={_seconds(delay)}
AccuracySec=1s

[Install]
WantedBy=timers.target
"""


def script(node: str, every: timedelta) -> str:
    """Return the complete script for a Node."""
    settings = {"NODE_NAME": node, "PERIOD_SECONDS": _number(every)}
    return f"#!/usr/bin/env bash\n{node_scripts.compose('renewal', settings)}renew_by_clock\n"


def _number(duration: timedelta) -> str:
    return str(int(duration.total_seconds()))


def _seconds(duration: timedelta) -> str:
    return f"{_number(duration)}s"
