"""The host's packet filter for traffic within a bridge of machines.

With br_netfilter, which Kubernetes needs, the host's FORWARD chain also sees what one machine sends
to another. Docker and most firewalls drop what they do not know there.
"""

from pathlib import Path
from shutil import which

from ops.errors import OperatorError
from ops.nspawn.command import run, succeeds

SETTING = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")


def require_bridge_filter() -> None:
    """Load br_netfilter, which pods on the same machine need to reach each other's Services."""
    if SETTING.exists():
        return
    if not succeeds("modprobe", "br_netfilter") or not SETTING.exists():
        raise OperatorError(
            "this host's kernel lacks br_netfilter, which Kubernetes Services require: "
            "install the kernel's full set of modules (`modprobe br_netfilter` must succeed)"
        )


def allow(bridge: str) -> None:
    """Accept traffic between machines on the bridge, if the FORWARD chain filters at all."""
    if _filters() and not succeeds("iptables", "--wait", "--check", *_rule(bridge)):
        run("iptables", "--wait", "--insert", *_rule(bridge))


def forget(bridge: str) -> None:
    """Remove the rules that `allow` added, if there are any."""
    if _filters():
        while succeeds("iptables", "--wait", "--delete", *_rule(bridge)):
            pass


def _filters() -> bool:
    """Return whether this host's FORWARD chain does more than accept everything."""
    if which("iptables") is None or not SETTING.exists() or SETTING.read_text().strip() == "0":
        return False
    return run("iptables", "--wait", "--list-rules", "FORWARD").split() != [
        "-P",
        "FORWARD",
        "ACCEPT",
    ]


def _rule(bridge: str) -> list[str]:
    return [
        "FORWARD", "--in-interface", bridge, "--out-interface", bridge,
        "--match", "comment", "--comment", "kubeadm-fleet", "--jump", "ACCEPT",
    ]  # fmt: skip
