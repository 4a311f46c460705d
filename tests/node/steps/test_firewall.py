"""scripts/node/firewall.sh: which rules are a cluster's, read as iptables-save prints them."""

import re
import subprocess

from model.render.node_scripts import NODE_SCRIPTS, source

POD, OTHER = "CNI-DN-0123456789abcdef01234", "CNI-DN-ffffffffffffffffffff0"
HASH = "QFGQZBMYXHMSTZIH"
THEIRS = """\
*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:KUBE-BACKUP - [0:0]
:CNI-FORWARD - [0:0]
-A PREROUTING -m comment --comment "not -j KUBE-SERVICES of a cluster" -j ACCEPT
-A PREROUTING -m comment --comment "says \\"KUBE-SERVICES\\" -j KUBE-SERVICES" -j KUBE-BACKUP
-A POSTROUTING -s 10.0.0.0/8 -j MASQUERADE
-A CNI-FORWARD -m comment --comment "CNI firewall plugin rules" -j RETURN
COMMIT
"""
OURS = f"""\
*nat
:KUBE-SERVICES - [0:0]
:KUBE-SVC-{HASH} - [0:0]
:FLANNEL-POSTRTG - [0:0]
:CNI-HOSTPORT-DNAT - [0:0]
:{POD} - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT
-A POSTROUTING -m comment --comment "flanneld masq" -j FLANNEL-POSTRTG
-A KUBE-SERVICES -d 10.96.0.1/32 -j KUBE-SVC-{HASH}
-A CNI-HOSTPORT-DNAT -m comment --comment "dnat name: \\"cbr0\\" id: \\"0a\\"" -j {POD}
COMMIT
"""
PODMAN = f"""\
:{OTHER} - [0:0]
-A CNI-HOSTPORT-DNAT -m comment --comment "dnat name: \\"podman\\" id: \\"0b\\"" -j {OTHER}
"""


def removal(rules: str, kept: str = "") -> list[str]:
    """Return what removes a cluster's rules."""
    ran = subprocess.run(
        ["bash", "-c", f'{source("firewall")}\nowned_rules iptables-nft "$0"', kept],
        input=rules,
        capture_output=True,
        text=True,
        check=True,
    )
    return [line for line in ran.stdout.splitlines() if line not in ("*nat", "COMMIT")]


def test_rules_of_others_are_left_alone() -> None:
    assert removal(THEIRS) == []


def test_chains_of_a_cluster_are_removed_with_the_rules_that_jump_to_them() -> None:
    chains = re.findall(r"^:(\S+)", OURS, re.MULTILINE)
    jumps = re.findall(r"^-A (P.*)", OURS, re.MULTILINE)
    both = THEIRS.replace("COMMIT\n", "") + OURS.removeprefix("*nat\n")
    for rules in (OURS, both):
        assert removal(rules) == [
            *(f":{chain} - [0:0]" for chain in chains),
            *(f"-D {jump}" for jump in jumps),
            *(f"-X {chain}" for chain in chains),
        ]


def test_chains_of_port_mappings_stay_while_another_network_uses_them() -> None:
    assert removal(f"*nat\n{PODMAN}COMMIT\n") == []
    both = removal(f"*nat\n{PODMAN}{OURS.removeprefix('*nat' + chr(10))}")
    removed = {line.split()[1] for line in both if line[:2] == "-X"}
    assert removed == {"KUBE-SERVICES", f"KUBE-SVC-{HASH}", "FLANNEL-POSTRTG", POD}
    (rule,) = [line for line in both if line.startswith("-D CNI-HOSTPORT-DNAT")]
    assert rule.endswith(POD)


def test_a_chain_that_was_there_before_stays() -> None:
    kept = "iptables-nft:nat:KUBE-SERVICES\niptables-nft:filter:FLANNEL-POSTRTG"
    left = removal(OURS, kept)
    assert not [line for line in left if "-X KUBE-SERVICES" in line or "-j KUBE-SERVICES" in line]
    assert "-X FLANNEL-POSTRTG" in left


def test_port_mappings_are_known_by_the_name_of_the_pod_network() -> None:
    name = re.search(r"^POD_NETWORK=(\w+)$", source("firewall"), re.MULTILINE)
    assert name
    for network in ("flannel", "calico"):
        manifest = NODE_SCRIPTS.parents[1] / f"manifests/cni/{network}.yaml"
        assert f'"name": "{name[1]}"' in manifest.read_text()


CALICO = """\
*filter
:FORWARD ACCEPT [0:0]
:cali-FORWARD - [0:0]
:cali-tw-cali0123456789a - [0:0]
:calibration - [0:0]
-A FORWARD -m comment --comment "cali:wUHhoiAYhphO9Mso" -j cali-FORWARD
-A FORWARD -m comment --comment "about cali: nothing" -j ACCEPT
-A FORWARD -m comment --comment "cali:S93hcgKJrXEqnTfs" -m comment --comment "Policy explicitly \
accepted packet." -m mark --mark 0x10000/0x10000 -j ACCEPT
-A FORWARD -j calibration
-A cali-FORWARD -i cali+ -m comment --comment "cali:8ZoYfO5HKXWbB3pk" -j cali-tw-cali0123456789a
COMMIT
"""


def test_rules_of_calico_have_its_mark_wherever_they_are() -> None:
    lines = [line for line in removal(CALICO) if line not in ("*filter",)]
    assert [line for line in lines if line.startswith(("-X", ":"))] == [
        ":cali-FORWARD - [0:0]",
        ":cali-tw-cali0123456789a - [0:0]",
        "-X cali-FORWARD",
        "-X cali-tw-cali0123456789a",
    ]
    deleted = [line for line in lines if line.startswith("-D")]
    assert [re.search(r"cali:\w+", line)[0] for line in deleted] == [  # type: ignore[index]
        "cali:wUHhoiAYhphO9Mso",
        "cali:S93hcgKJrXEqnTfs",
    ]
