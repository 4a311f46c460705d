"""The ports between a cluster's hosts, tried before a new one is prepared.

Create and update try the ports between new machines, and between them and the others
(model/ports.py); they change nothing on a host, and fail with everything that is closed. They also
compare what must differ between machines (ops/hosts/clones.py) with all others, and warn of
firewalls that drop what pods send. A machine
is new until it took part in a check that succeeded; one that could not be enrolled or updated, or
does not answer, takes no part, and stops no other. Delete does nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NotRequired, TypedDict

import pulumi
from pulumi.dynamic import DiffResult

from components.providers.base import ProvidedResource, Provider, require_known
from components.providers.engine_log import EngineLog, warn
from ops.errors import OperatorError
from ops.hosts.login import Login, LoginProps

if TYPE_CHECKING:
    from ops.hosts.clones import HostIdentity


class PortHostInputs(TypedDict):
    """A machine of the cluster."""

    role: str
    address: str


class PortCheckInputs(TypedDict):
    """The check as the provider gets it."""

    cluster: str
    endpoint: str
    pod_subnet: str
    network: str
    vip_port: NotRequired[float]
    hosts: dict[str, PortHostInputs]
    machine_ids: dict[str, str]
    logins: dict[str, LoginProps]


class PortCheckState(PortCheckInputs):
    """The check and the machines that passed it: their IDs and identities by name."""

    passed: dict[str, str]
    identities: "dict[str, HostIdentity]"


class PortCheckProvider(Provider[PortCheckInputs, PortCheckState]):
    """Tries ports between hosts."""

    given = ("logins",)

    def _create(self, inputs: PortCheckInputs) -> PortCheckState:
        """Try the ports between all machines."""
        return _check(inputs, {}, {})

    def _diff(self, olds: PortCheckState, news: PortCheckInputs) -> DiffResult:
        """Check again when there is a new machine."""
        require_known(news, ("machine_ids",))
        return DiffResult(changes=bool(_new(news["machine_ids"], olds["passed"])))

    def _update(self, olds: PortCheckState, news: PortCheckInputs) -> PortCheckState:
        """Try the ports between new machines, and between them and the others."""
        return _check(news, olds["passed"], olds["identities"])


def _new(machine_ids: Mapping[str, str], passed: Mapping[str, str]) -> list[str]:
    """Return the machines to check; one without an ID could not be enrolled."""
    return [name for name, id_ in machine_ids.items() if id_ and passed.get(name) != id_]


def _check(
    inputs: PortCheckInputs,
    passed: Mapping[str, str],
    identities: "Mapping[str, HostIdentity]",
) -> PortCheckState:
    from model.ports import port_rules
    from ops.hosts.firewalls import forward_warnings
    from ops.hosts.port_problems import problems
    from ops.hosts.port_trials import PortHost, from_operator, try_ports

    ids = {name: id_ for name, id_ in inputs["machine_ids"].items() if id_}
    hosts = {
        name: PortHost(
            name,
            **inputs["hosts"][name],
            login=Login.from_props(inputs["logins"][name]),
            pod_subnet=inputs["pod_subnet"],
        )
        for name in inputs["hosts"]
        if name in ids
    }
    new = _new(ids, passed)
    vip_port = inputs.get("vip_port")
    rules = port_rules(None if vip_port is None else int(vip_port), inputs["network"])
    results = try_ports(hosts, rules, new, from_operator(hosts, inputs["endpoint"]))
    known = {name: host for name, host in identities.items() if name in inputs["hosts"]}
    known |= results.identities
    _compare(inputs["cluster"], known, new)
    new_forwards = {name: chain for name, chain in results.forwards.items() if name in new}
    for text in forward_warnings(new_forwards, inputs["pod_subnet"]):
        warn(text)
    if found := problems(hosts, results):
        lines = "\n  ".join(found)
        raise OperatorError(
            f"cluster {inputs['cluster']}: ports are closed between its machines; no new one was "
            f"prepared:\n  {lines}\n"
            "Open them permanently and run `fleet up` again; docs/ports.md lists all ports."
        )
    for name, reason in results.skipped.items():
        EngineLog("")(f"the ports of {name} were not tried: {reason}", ephemeral=False)
    kept = {
        name: id_ for name, id_ in passed.items() if inputs["machine_ids"].get(name) in (id_, "")
    }
    tried = {name: ids[name] for name in new if name in results.firewalls}
    return {**inputs, "passed": {**kept, **tried}, "identities": known}


def _compare(cluster: str, known: "Mapping[str, HostIdentity]", new: list[str]) -> None:
    """Refuse machines that disturb each other, and warn of those that cannot be told apart."""
    from ops.hosts import clones

    for text in clones.warnings(known, new):
        warn(f"cluster {cluster}: {text}")
    if found := list(clones.mac_problems(known, new)):
        lines = "\n  ".join(found)
        raise OperatorError(
            f"cluster {cluster}: no new machine was prepared:\n  {lines}\n"
            "Fix this and run `fleet up` again."
        )


@dataclass(frozen=True)
class PortCheckArgs:
    """A cluster's hosts; an ID of "" is a machine that could not be enrolled."""

    cluster: str
    endpoint: str
    pod_subnet: str
    network: str
    vip_port: int | None
    hosts: Mapping[str, PortHostInputs]
    machine_ids: Mapping[str, pulumi.Input[str]]
    logins: Mapping[str, Mapping[str, object]]


class PortCheck(ProvidedResource, module="kubeadm-fleet", name="PortCheck"):
    """The ports between a cluster's hosts: `passed` (IDs of machines by name)."""

    passed: pulumi.Output[dict[str, str]]

    def __init__(
        self, name: str, args: PortCheckArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        logins: pulumi.Output[object] = pulumi.Output.secret(args.logins)
        super().__init__(PortCheckProvider(), name, args, opts, logins=logins)
