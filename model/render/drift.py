"""The report of a machine on itself: a script of scripts/node/ as a file, and its units.

All machines of all clusters have the same files. The timer measures from the last run, so that one
that takes long is never followed by another immediately.
"""

from datetime import timedelta

from model.render import node_scripts
from model.render.node_paths import STATE

SCRIPT = f"{STATE}/drift.sh"
UNIT = "kubeadm-fleet-drift"
PERIOD = timedelta(seconds=20)

# The manager's own lines about each run would fill the journal.
SERVICE = f"""\
[Unit]
Description=kubeadm-fleet: what differs on this machine
ConditionPathExists={STATE}/member

[Service]
Type=oneshot
ExecStart=/bin/bash {SCRIPT}
TimeoutStartSec=2min
Nice=19
IOSchedulingClass=idle
LogLevelMax=notice
NoNewPrivileges=yes
CapabilityBoundingSet=CAP_DAC_READ_SEARCH
"""

# Programs are read at the first run, which is not to slow down the end of a join.
TIMER = f"""\
[Unit]
Description=kubeadm-fleet: what differs on this machine
ConditionPathExists={STATE}/member

[Timer]
OnActiveSec={PERIOD.seconds}s
OnUnitActiveSec={PERIOD.seconds}s
AccuracySec=1s

[Install]
WantedBy=timers.target
"""


def script() -> str:
    """Return the complete script."""
    return f"#!/usr/bin/env bash\n{node_scripts.source('drift_report')}report_drift\n"
