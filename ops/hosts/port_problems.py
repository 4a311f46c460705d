"""Descriptions of closed ports: which host does not reach which, the purpose, and a remedy.

A target that nobody reaches is reported once, and so is a port that is closed everywhere.
"""

import socket
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from model.ports import OPERATOR, Trial
from ops.hosts.firewalls import opening
from ops.hosts.port_trials import PortHost, PortResults

# Limit for the operator's terminal.
LINES = 20
THIS_HOST = "this host"


def problems(hosts: Mapping[str, PortHost], results: PortResults) -> list[str]:
    """Return one text for each group of closed ports."""
    by_rule: dict[object, list[Trial]] = defaultdict(list)
    for trial in results.passed:
        by_rule[trial.rule].append(trial)
    lines = [line for tried in by_rule.values() for line in _of_rule(hosts, results, tried)]
    hidden = len(lines) - LINES
    return lines if hidden <= 0 else [*lines[:LINES], f"and {hidden} more of this kind"]


def _of_rule(
    hosts: Mapping[str, PortHost], results: PortResults, tried: Sequence[Trial]
) -> Iterator[str]:
    closed = [trial for trial in tried if not results.passed[trial]]
    if len(closed) == len(tried) > 2:
        yield f"no machine reaches any other{_on(closed[0])}{_everywhere(hosts, results, closed)}"
        return
    for target in dict.fromkeys(trial.target for trial in closed):
        here = [trial for trial in closed if trial.target == target]
        is_isolated = len(here) == sum(trial.target == target for trial in tried) > 1
        who = "no machine reaches" if is_isolated else _who(hosts, here)
        yield (
            f"{who} {target} ({hosts[target].address}){_on(here[0])}"
            f"{_remedy(hosts, results, here, f'on {target}')}"
        )


def _on(trial: Trial) -> str:
    return f" on {trial.rule.label} ({trial.rule.purpose})"


def _who(hosts: Mapping[str, PortHost], closed: Sequence[Trial]) -> str:
    names = [
        THIS_HOST if trial.source == OPERATOR else f"{trial.source} ({hosts[trial.source].address})"
        for trial in closed
    ]
    return f"{', '.join(names)} {'does' if len(names) == 1 else 'do'} not reach"


def _everywhere(
    hosts: Mapping[str, PortHost], results: PortResults, closed: Sequence[Trial]
) -> str:
    """Return a remedy for each kind of firewall, or the one for machines without any."""
    by_firewall: dict[str, list[Trial]] = defaultdict(list)
    for trial in closed:
        by_firewall[results.firewalls[trial.target]].append(trial)
    return "".join(
        _remedy(hosts, results, trials, f"on {', '.join(dict.fromkeys(t.target for t in trials))}")
        for trials in by_firewall.values()
    )


def _remedy(
    hosts: Mapping[str, PortHost], results: PortResults, closed: Sequence[Trial], where: str
) -> str:
    firewall = results.firewalls[closed[0].target]
    sources = dict.fromkeys(_address(hosts, trial) for trial in closed)
    if command := opening(firewall, closed[0].rule, list(sources)):
        return f"\n    {where}, {firewall.split()[0]} is active: `{command}`"
    return (
        f"\n    no firewall is active {where}: check security groups and firewalls between the "
        "machines"
    )


def _address(hosts: Mapping[str, PortHost], trial: Trial) -> str:
    """Return the address from which packets of this trial come."""
    if trial.source != OPERATOR:
        return hosts[trial.source].address
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unsent:
        unsent.connect((hosts[trial.target].address, trial.rule.number))
        return str(unsent.getsockname()[0])
