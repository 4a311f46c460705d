"""Commands that open a port in the firewall of a host, or let pods' packets through."""

from collections.abc import Iterator, Mapping, Sequence

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
FIREWALLD = "inet firewalld "


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


def forward_warnings(chains: Mapping[str, str], pod_subnet: str) -> Iterator[str]:
    """Yield the hosts with a chain that drops what pods send, and the command that lets it pass."""
    for host, chain in chains.items():
        if chain:
            yield (
                f"{host} drops packets that it forwards, including those of pods: chain {chain}, "
                f"which has no rule for {pod_subnet}: run `{_forwarding(chain, pod_subnet)}`, and "
                "keep the rules in the firewall's configuration"
            )


def _forwarding(chain: str, pod_subnet: str) -> str:
    if chain.startswith(FIREWALLD):
        trust = f"firewall-cmd --permanent --zone=trusted --add-source={pod_subnet}"
        return f"{trust}; firewall-cmd --reload"
    rules = (f"ip {end} {pod_subnet} accept" for end in ("saddr", "daddr"))
    return "; ".join(f"nft insert rule {chain} {rule}" for rule in rules)
