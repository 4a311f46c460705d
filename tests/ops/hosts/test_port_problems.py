"""What people are told of closed ports."""

import subprocess
from collections.abc import Callable

import pytest

from model.machine import CONTROL_PLANE, WORKER
from model.ports import Trial, port_rules, trials
from model.render.node_scripts import NODE_SCRIPTS
from ops.hosts.firewalls import COMMANDS, forward_warnings, opening
from ops.hosts.login import Login
from ops.hosts.port_problems import LINES, problems
from ops.hosts.port_trials import PortHost, PortResults, from_operator

RULES = {rule.label: rule for rule in port_rules(8443, "flannel") if rule.is_tried}
VXLAN = RULES["UDP 8472"]


def hosts(workers: int) -> dict[str, PortHost]:
    found = {"cp": PortHost("cp", CONTROL_PLANE, "10.0.0.10", Login("10.0.0.10", 22, "root"))}
    for index in range(workers):
        address = f"10.0.1.{index}"
        found[f"w{index}"] = PortHost(f"w{index}", WORKER, address, Login(address, 22, "root"))
    return found


def results(
    machines: dict[str, PortHost], closed: Callable[[Trial], bool], **firewalls: str
) -> PortResults:
    roles = {name: host.role for name, host in machines.items()}
    planned = trials(list(RULES.values()), roles, list(machines))
    known = {name: firewalls.get(name, "") for name in machines}
    return PortResults(known, {trial: not closed(trial) for trial in planned})


def test_open_ports_are_no_problem() -> None:
    machines = hosts(2)
    assert problems(machines, results(machines, lambda _: False)) == []


def test_a_machine_that_nobody_reaches_is_named_once_with_the_command_that_opens_it() -> None:
    machines = hosts(2)
    found = results(machines, lambda trial: trial.target == "w1" and trial.rule == VXLAN, w1="ufw")
    assert problems(machines, found) == [
        "no machine reaches w1 (10.0.1.1) on UDP 8472 (VXLAN of the pod network)\n"
        "    on w1, ufw is active: `for from in 10.0.0.10 10.0.1.0; "
        "do ufw allow proto udp from $from to any port 8472; done`"
    ]


def test_one_direction_names_both_ends() -> None:
    machines = hosts(2)
    found = results(machines, lambda trial: (trial.source, trial.rule) == ("cp", VXLAN))
    assert [line.splitlines()[0] for line in problems(machines, found)] == [
        f"cp (10.0.0.10) does not reach {name} ({machines[name].address}) on UDP 8472 (VXLAN of "
        "the pod network)"
        for name in ("w0", "w1")
    ]
    assert "security groups" in problems(machines, found)[0]


def test_what_is_closed_everywhere_is_one_problem() -> None:
    machines = hosts(50)
    found = results(machines, lambda trial: trial.rule == VXLAN)
    (line,) = problems(machines, found)
    assert line.startswith("no machine reaches any other on UDP 8472 (VXLAN of the pod network)\n")


def test_many_problems_are_counted() -> None:
    machines = hosts(50)
    found = results(
        machines,
        lambda trial: (
            trial.rule == VXLAN and int(trial.target[1:] or 0) % 2 == 1
            if trial.target != "cp"
            else False
        ),
    )
    lines = problems(machines, found)
    assert len(lines) == LINES + 1
    assert lines[-1] == "and 5 more of this kind"


def test_this_host_is_told_apart_from_machines() -> None:
    machines = hosts(0)
    (trial,) = from_operator(machines, "10.0.0.10:6443")
    (line,) = problems(machines, PortResults({"cp": ""}, {trial: False}))
    assert line.startswith("this host does not reach cp (10.0.0.10) on TCP 6443 (API)")
    assert from_operator(machines, "10.0.0.10:8443") == []


@pytest.mark.parametrize("kind", [*COMMANDS, "nft inet filter input"])
@pytest.mark.parametrize("rule", ["TCP 2380", "IP protocol 112"])
def test_commands_are_complete(kind: str, rule: str) -> None:
    command = opening(kind, RULES[rule], ["10.0.0.1", "10.0.0.2"])
    subprocess.run(["bash", "-n", "-c", command], check=True)
    assert rule.split()[-1] in command
    assert "{" not in command


def test_rules_of_iptables_are_not_changed_behind_its_back() -> None:
    assert opening("nft ip filter INPUT", RULES["TCP 2380"], ["10.0.0.1"]) == (
        "iptables -I INPUT -s 10.0.0.1 -p tcp --dport 2380 -j ACCEPT"
    )


RULE_SET = """table inet filter {
\tchain input {
\t\ttype filter hook input priority filter; policy POLICY;
\t\tct state established accept
\t\tEND
\t}
\tchain forward {
\t\ttype filter hook forward priority filter; policy drop;
\t}
}
"""


@pytest.mark.parametrize(
    ("policy", "end", "found"),
    [
        ("drop", "tcp dport 22 accept", "inet filter input"),
        ("accept", "reject with icmp port-unreachable", "inet filter input"),
        ("accept", "counter packets 12 bytes 345 drop", "inet filter input"),
        ("accept", "tcp dport 23 drop", ""),
        ("accept", "", ""),
    ],
)
def test_a_rule_set_that_drops_by_default_is_found(policy: str, end: str, found: str) -> None:
    script = (NODE_SCRIPTS / "ports.sh").read_text() + "closed_chain input"
    text = RULE_SET.replace("POLICY", policy).replace("END", end)
    ran = subprocess.run(
        ["bash", "-c", script], input=text, capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == found


@pytest.mark.parametrize(
    ("rules", "found"),
    [
        (RULE_SET, "forward inet filter forward"),
        (RULE_SET.replace("END", "ip saddr 10.244.0.0/16 accept"), ""),
        (RULE_SET.replace("table inet", "table ip6"), ""),
        (RULE_SET.replace("chain forward", "chain FORWARD").replace("inet", "ip"), ""),
        (RULE_SET.replace("drop", "accept"), ""),
    ],
)
def test_a_rule_set_that_drops_what_pods_send_is_found(rules: str, found: str) -> None:
    script = (NODE_SCRIPTS / "ports.sh").read_text()
    stand_ins = "POD_SUBNET=10.244.0.0/16; nft() { cat; }; closed_forward"
    ran = subprocess.run(
        ["bash", "-c", f"{script}\n{stand_ins}"],
        input=rules,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.strip() == found


def test_the_command_that_lets_pods_through_is_shown() -> None:
    chains = {"a": "", "b": "inet filter forward", "c": "inet firewalld x"}
    warned = list(forward_warnings(chains, "10.1.0.0/16"))
    assert [line.partition(":")[0] for line in warned] == [
        "b drops packets that it forwards, including those of pods",
        "c drops packets that it forwards, including those of pods",
    ]
    nft, firewalld = (line.split("`")[1] for line in warned)
    assert nft == (
        "nft insert rule inet filter forward ip saddr 10.1.0.0/16 accept; "
        "nft insert rule inet filter forward ip daddr 10.1.0.0/16 accept"
    )
    assert firewalld == (
        "firewall-cmd --permanent --zone=trusted --add-source=10.1.0.0/16; firewall-cmd --reload"
    )
