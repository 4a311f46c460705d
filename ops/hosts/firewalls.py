"""Commands that open a port in the firewall of a host."""

from collections.abc import Sequence

from model.ports import IP, PortRule

IPTABLES = "iptables"
# For a port, and for another protocol of IP than TCP and UDP.
COMMANDS = {
    "ufw": (
        "ufw allow proto {protocol} from $from to any port {port}",
        "iptables -I ufw-before-input -s $from -p {port} -j ACCEPT",
    ),
    "firewalld": (
        "firewall-cmd --add-rich-rule='rule family=ipv4 source address='$from' port port={port} "
        "protocol={protocol} accept'",
        "firewall-cmd --add-rich-rule='rule family=ipv4 source address='$from' protocol "
        "value={port} accept'",
    ),
    "nft": (
        "nft insert rule {chain} ip saddr $from {protocol} dport {port} accept",
        "nft insert rule {chain} ip saddr $from ip protocol {port} accept",
    ),
    IPTABLES: (
        "iptables -I INPUT -s $from -p {protocol} --dport {port} -j ACCEPT",
        "iptables -I INPUT -s $from -p {port} -j ACCEPT",
    ),
}
# What iptables keeps in nftables is changed through iptables.
TRANSLATED = "ip filter INPUT"


def opening(firewall: str, rule: PortRule, sources: Sequence[str]) -> str:
    """Return the command that lets these addresses in; "" if no firewall is known.

    `firewall` is its kind, for nft followed by family, table and chain, as scripts/node/ports.sh
    prints it.
    """
    kind, _, chain = firewall.partition(" ")
    if chain == TRANSLATED:
        kind = IPTABLES
    if kind not in COMMANDS:
        return ""
    command = COMMANDS[kind][rule.protocol == IP].format(
        protocol=rule.protocol.lower(), port=rule.port, chain=chain
    )
    if len(sources) == 1:
        return command.replace("$from", sources[0])
    return f"for from in {' '.join(sources)}; do {command}; done"
