"""docs/ports.md: the ports that must be open, from the table in model/ports.py."""

from pathlib import Path

from model.ports import VXLAN_PORTS, port_rules

REFERENCE = Path(__file__).resolve().parents[1] / "docs" / "ports.md"
HEAD = """# Ports

Generated from `model/ports.py` by `make schema`: change the table there, not this file.

Packets of a row must pass from its source to its target, through the hosts' own firewalls,
security groups and firewalls on the way; answers must come back. Container machines share a
bridge of this host: their ports are open.

| from | to | port | purpose | tried |
|---|---|---|---|---|
"""
TAIL = """
What is `tried` is sent from host to host when hosts are enrolled, before anything is installed
on them: each control plane with every machine, and each worker with its neighbors in the list
of machines. A control plane that is the cluster's endpoint itself is also tried from the host
where `fleet` runs. If something does not arrive, `fleet up` fails and lists all of it, with
a command for the firewall of each host that was not reached (ufw, firewalld, nftables, iptables).
Nothing was installed; open the ports permanently, and run `fleet up`
again.

Pods have addresses of their own. On a host that drops by default, let in what comes from
`networking.podSubnet`, and let packets to and from it be forwarded (ufw:
`DEFAULT_FORWARD_POLICY`; nftables: the chain of the hook `forward`). Whether pods get through
is tried when the cluster is ready, and all the time from then on:
[runbooks/pods-unreachable.md](runbooks/pods-unreachable.md).
"""
VIP_PORT = "that of `endpoint.vip`"


def rendered() -> str:
    """Return the reference as file content."""
    rows = "".join(
        f"| {rule.sources} | {rule.targets} | {rule.label} | {rule.purpose} | "
        f"{'yes' if rule.is_tried else 'no'} |\n"
        for rule in port_rules(VIP_PORT, *VXLAN_PORTS)
    )
    return HEAD + rows + TAIL
