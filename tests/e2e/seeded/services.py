"""Services and timers of machines that do not run, or will not after the next boot."""

from tests.e2e.seeded.fault import Fault, Place

CP, WORKER = Place.CONTROL_PLANE, Place.WORKER
GRACE = 50  # until a silent Node is NotReady
FAIL = "mkdir -p /run/systemd/system/{0}.d; printf '[Service]\\nExecStartPre=/bin/false\\n' >/run/systemd/system/{0}.d/99-seeded.conf; systemctl daemon-reload"  # noqa: E501
HEAL = "rm /run/systemd/system/{0}.d/99-seeded.conf; systemctl daemon-reload; systemctl reset-failed {0}"  # noqa: E501
RENEWAL = "kubeadm-fleet-renewal"

FAULTS = (
    Fault(
        "a timer is disabled",
        CP,
        f"systemctl disable --now {RENEWAL}.timer",
        f"systemctl enable --now {RENEWAL}.timer",
        ("NODE", rf"{RENEWAL}\.timer"),
        "rancher/rke2#1902",
    ),
    Fault(
        "a job of a timer fails",
        CP,
        FAIL.format(f"{RENEWAL}.service") + f"; systemctl start {RENEWAL}.service || true",
        HEAL.format(f"{RENEWAL}.service") + f"; systemctl start {RENEWAL}.service",
        ("NODE", rf"{RENEWAL}\.service"),
        "rancher/rancher#16511",
    ),
    Fault(
        "the container runtime is stopped",
        WORKER,
        "systemctl stop containerd",
        "systemctl start containerd",
        ("NODE", "(?i)containerd|runtime"),
        "kubernetes/kubernetes#68434",
        physics=30,
        alone=True,
    ),
    Fault(
        "the container runtime hangs",
        WORKER,
        "systemctl kill --kill-whom=main --signal=STOP containerd",
        "systemctl kill --kill-whom=main --signal=CONT containerd",
        ("NODE", "(?i)containerd|runtime|PLEG"),
        "kubernetes/kubernetes#45419",
        physics=180,
        alone=True,
    ),
    Fault(
        "the kubelet crashes again and again",
        WORKER,
        FAIL.format("kubelet.service") + "; systemctl restart --no-block kubelet",
        HEAL.format("kubelet.service") + "; systemctl restart kubelet",
        ("NODE", "(?i)kubelet"),
        "kubernetes/kubernetes#54542",
        physics=GRACE,
        alone=True,
    ),
    Fault(
        "the kubelet is not started at the next boot",
        WORKER,
        "systemctl disable kubelet",
        "systemctl enable kubelet",
        ("NODE", r"kubelet\.service", "(?i)boot|enabled|disabled"),
        "kubernetes/kubernetes#101406",
    ),
    Fault(
        "the kubelet is stopped",
        WORKER,
        "systemctl stop kubelet",
        "systemctl start kubelet",
        ("NODE", "(?i)kubelet|Ready"),
        "kubernetes/kubeadm#492",
        physics=GRACE,
        alone=True,
    ),
)
