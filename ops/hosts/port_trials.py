"""Ports tried from host to host, as model/ports.py says, before the hosts become a cluster.

All hosts of a round listen at the same time, then send at the same time: a round takes about a
second, and four if anything is closed. A host that does not answer is skipped: its own resource
says why.
"""

import socket
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field

from model.machine import CONTROL_PLANE
from model.ports import CONTROL_PLANES, OPERATOR, TCP, PortRule, Trial, trials
from model.well_known import API_PORT
from ops.hosts.clones import HostIdentity
from ops.hosts.login import Login
from ops.hosts.port_agent import PortAgent
from ops.hosts.ssh import connected
from ops.hosts.ssh_errors import Unreachable

# New machines of a round; a host has a connection and a thread for as long as it lasts.
ROUND = 100
PARALLEL_LOGINS = 16
OPERATOR_SECONDS = 3


@dataclass(frozen=True)
class PortHost:
    """A host: its machine's role and address in the cluster, the cluster's pods, and its login."""

    name: str
    role: str
    address: str
    login: Login
    pod_subnet: str = ""


@dataclass
class PortResults:
    """The hosts that answered, with the firewall that is active there ("" if none is known).

    `forwards` are their chains that drop what pods send, `identities` what distinguishes them.
    `passed` has the trials between them, and whether each succeeded; `skipped` says why the other
    hosts took no part.
    """

    firewalls: dict[str, str] = field(default_factory=dict)
    passed: dict[Trial, bool] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    identities: dict[str, HostIdentity] = field(default_factory=dict)
    forwards: dict[str, str] = field(default_factory=dict)


def try_ports(
    hosts: Mapping[str, PortHost],
    rules: Sequence[PortRule],
    new: Sequence[str],
    from_here: Sequence[Trial] = (),
) -> PortResults:
    """Try the ports between new hosts and all others, and from this host to new ones."""
    results = PortResults()
    roles = {name: host.role for name, host in hosts.items()}
    for start in range(0, len(new), ROUND):
        part = new[start : start + ROUND]
        planned = [
            *trials(rules, roles, part),
            *(trial for trial in from_here if trial.target in part),
        ]
        involved = {name for trial in planned for name in (trial.source, trial.target)} | set(part)
        _Round([host for host in hosts.values() if host.name in involved], planned, results).run()
    return results


def from_operator(hosts: Mapping[str, PortHost], endpoint: str) -> list[Trial]:
    """Return what to try from this host: an endpoint (host:port) that is a control plane itself."""
    rule = PortRule(OPERATOR, CONTROL_PLANES, TCP, API_PORT, "API")
    return [
        Trial(OPERATOR, host.name, rule)
        for host in hosts.values()
        if host.role == CONTROL_PLANE and f"{host.address}:{API_PORT}" == endpoint
    ]


class _Round:
    """Hosts that try their ports with each other at the same time."""

    def __init__(
        self, hosts: Sequence[PortHost], planned: Sequence[Trial], results: PortResults
    ) -> None:
        self._hosts = {host.name: host for host in hosts}
        self._numbers = {host.name: number for number, host in enumerate(hosts, start=1)}
        self._planned = planned
        self._results = results

    def run(self) -> None:
        """Add this round to the results."""
        results = self._results
        with ExitStack() as opened, ThreadPoolExecutor(PARALLEL_LOGINS) as pool:
            started = pool.map(lambda host: self._start(opened, host), self._hosts.values())
            pairs = zip(self._hosts, started, strict=True)
            agents = {name: agent for name, agent in pairs if agent}
            sending = self._ask(agents, PortAgent.send)
            from_here = {
                trial: pool.submit(_reaches, self._hosts[trial.target].address, trial.rule.number)
                for trial in self._planned
                if trial.source == OPERATOR and trial.target in sending
            }
            connections = self._ask({name: agents[name] for name in sending}, PortAgent.connections)
            reached = {trial: future.result() for trial, future in from_here.items()}
            arrived = self._ask({name: agents[name] for name in connections}, PortAgent.report)
        results.firewalls |= {name: agents[name].firewall for name in arrived}
        results.forwards |= {name: agents[name].forward for name in arrived}
        results.identities |= {name: agents[name].identity for name in arrived}
        results.passed |= reached
        for trial in self._planned:
            if trial.source in arrived and trial.target in arrived:
                results.passed[trial] = self._has_passed(
                    trial, connections[trial.source], arrived[trial.target]
                )

    def _start(self, opened: ExitStack, host: PortHost) -> PortAgent | None:
        """Log in and listen; None if the host does not answer."""
        listening = {trial.rule.number for trial in self._planned if trial.target == host.name}
        sends = [
            (trial.rule.protocol, self._hosts[trial.target].address, trial.rule.number)
            for trial in self._planned
            if trial.source == host.name
        ]
        try:
            return PortAgent(
                opened.enter_context(connected(host.login)),
                self._numbers[host.name],
                host.address,
                listens=listening,
                sends=sends,
                pod_subnet=host.pod_subnet,
            )
        except Unreachable as error:
            self._results.skipped[host.name] = str(error)
            return None

    def _ask(
        self, agents: Mapping[str, PortAgent], question: Callable[[PortAgent], list[str]]
    ) -> dict[str, list[str]]:
        """Return the answers of those that are still there."""
        answers = {}
        for name, agent in agents.items():
            try:
                answers[name] = question(agent)
            except Unreachable as error:
                self._results.skipped[name] = str(error)
        return answers

    def _has_passed(self, trial: Trial, connected_to: list[str], arrived: list[str]) -> bool:
        rule = trial.rule
        if rule.protocol == TCP:
            return f"{TCP} {self._hosts[trial.target].address} {rule.port}" in connected_to
        return f"{rule.protocol} {rule.port} {self._numbers[trial.source]}" in arrived


def _reaches(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=OPERATOR_SECONDS).close()
    except OSError:
        return False
    return True
