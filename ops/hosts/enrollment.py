"""Enrollment of a host over its connection: facts, claim, artifacts, reset; one command each."""

from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from ipaddress import IPv4Network
from threading import BoundedSemaphore
from time import time

from model.render import node_scripts
from ops.errors import OperatorError
from ops.hosts import artifacts, preflight
from ops.hosts.facts import Claim, Facts
from ops.hosts.ssh import Connection, Finished
from ops.hosts.ssh_errors import Unreachable
from ops.hosts.sudo import run_as_root

SILENCE_SECONDS = 120
RESET_SECONDS = 600
# Parallel transfers of bundles of 1 GB in this process: more of them would not be faster, since it
# encrypts them all. Small transfers, such as scripts, do not wait.
TRANSFERS = BoundedSemaphore(8)
SMALL_BYTES = 1 << 20


class Enrollment:
    """A connection to the host of one machine; `name` is the machine's."""

    def __init__(self, connection: Connection, *, name: str) -> None:
        self._connection = connection
        self.login = connection.login
        self._name = name

    @property
    def where(self) -> str:
        """The machine and its login."""
        return f"{self._name} ({self.login})"

    def facts(self, written: Iterable[str] = ()) -> Facts:
        """Gather the host's facts; `written` are paths that would be written there."""
        refusal = self._root_refusal()
        settings = {"ROOT_REFUSAL": refusal, "PATHS": " ".join(written)}
        if refusal:
            finished = self._run_as_user("host_facts", settings)
        else:
            finished = self._run_as_root("host_facts", settings, "host_facts", limit=0)
        return Facts.parse(finished.out, self.where)

    def _root_refusal(self) -> str:
        """Return why the login user cannot become root; "" if that works."""
        settings = {
            "SUDO": "yes" if self.login.sudo else "no",
            "SUDO_PASSWORD": self.login.sudo_password or "",
        }
        said = self._run_as_user("root_check", settings).out.rstrip().rpartition("\n")[2]
        return "" if said == "yes" else said or "the login shell runs no commands"

    def _run_as_user(self, script: str, settings: Mapping[str, str]) -> Finished:
        """Run the function that the script is named after."""
        text = node_scripts.compose(script, settings).encode()
        command = f"exec bash -c 'eval \"$(cat)\"; {script}'"
        return self._connection.run(command, [text], seconds=SILENCE_SECONDS)

    def inspect(self) -> Facts:
        """Gather the facts of an enrolled host; raise Unreachable if root is unavailable."""
        facts = self.facts()
        if facts.root_refusal:
            raise Unreachable(
                f"{self.where}: {facts.root_refusal}: allow the user to use sudo again, as when "
                "the host was enrolled, or correct machines.ssh"
            )
        return facts

    def reject_unfit(self, facts: Facts, wanted: preflight.HostRequirements) -> None:
        """Raise OperatorError with all problems that prevent enrolling the host."""
        if found := preflight.problems(facts, wanted):
            lines = "\n  ".join(found + preflight.hints(facts, wanted))
            raise OperatorError(
                f"{self.where} cannot be a {wanted.role}; nothing was changed on it:\n  {lines}\n"
                "Fix these problems and run `fleet up` again."
            )

    def hints(self, facts: Facts, wanted: preflight.HostRequirements) -> list[str]:
        """Return what may surprise on a suitable host, one line each."""
        return [f"{self.where}: {hint}" for hint in preflight.hints(facts, wanted)]

    def take(self, fleet: str, mark: str) -> tuple[Claim, set[str]]:
        """Claim the host; return the claim and the checksums of the artifacts on the host."""
        finished = self._as_root("claim_host", {"FLEET": fleet, "MARK": mark})
        first, *have = finished.out.splitlines() or [""]
        claim = Claim.parse(first)
        if finished.status or claim is None:
            raise self._failed(
                finished, f"the host was not enrolled: its owner is {first or 'unknown'}"
            )
        return claim, set(have)

    def reassign(self, machine_id: str, former: str, fleet: str) -> None:
        """Reassign the host, which belongs to this fleet's former identity, to the fleet."""
        settings = {"MACHINE_ID": machine_id, "FORMER_FLEET": former, "FLEET": fleet}
        finished = self._as_root("reassign_host", settings)
        if finished.status:
            raise self._failed(
                finished, "the host was not reassigned from the fleet's former identity"
            )

    def sync_artifacts(
        self, machine_id: str, given: artifacts.HostArtifacts, have: set[str]
    ) -> None:
        """Send missing artifacts, verify them on the host, and write the tables."""
        tables = {"MACHINE_ID": machine_id, "INDEX": given.index, "DOWNLOADS": given.downloads}
        if missing := given.missing(have):
            sizes = {
                # They are sent, and then installed or staged as another file.
                "ARTIFACT_BYTES": str(2 * sum(size for *_, size in missing)),
                "IMAGE_BYTES": str(given.unpacked_bytes(missing)),
            }
            is_large = sum(size for *_, size in missing) > SMALL_BYTES
            with TRANSFERS if is_large else nullcontext():
                finished = self._as_root(
                    "receive_artifacts", tables | sizes, artifacts.tar(missing)
                )
        else:
            finished = self._as_root("sync_artifacts", tables)
        if finished.status:
            raise self._failed(finished, "the artifacts were not sent")

    def reset(self, machine_id: str) -> None:
        """Restore the host to its original state."""
        settings = {"NODE_NAME": self._name, "MACHINE_ID": machine_id}
        finished = self._run_as_root("reset", settings, "step_reset", limit=RESET_SECONDS)
        if finished.status:
            raise self._failed(finished, "the host was not restored to its original state")

    def _as_root(
        self, call: str, settings: Mapping[str, str], stream: Iterable[bytes] = ()
    ) -> Finished:
        given = {**settings, "NODE_NAME": self._name}
        return self._run_as_root("enrollment", given, call, stream, limit=0)

    def _run_as_root(
        self,
        script: str,
        settings: Mapping[str, str],
        call: str,
        stream: Iterable[bytes] = (),
        *,
        limit: int,
    ) -> Finished:
        """Run `call`, a function of the script, which reads the stream."""
        return run_as_root(
            self._connection,
            node_scripts.compose(script, settings).encode(),
            call,
            stream,
            limit=limit,
            seconds=limit + SILENCE_SECONDS,
        )

    def _failed(self, finished: Finished, what: str) -> OperatorError:
        said = "\n  ".join(f"{finished.err}\n{finished.out}".strip().splitlines()[-20:])
        return OperatorError(f"{self.where}: {what} ({finished.ending}):\n  {said}")


def wanted(
    role: str,
    fleet: str,
    machine: str,
    *,
    disk: int,
    endpoint_port: int | None,
    networks: Mapping[str, str],
    address: str | None,
    swap: bool,
    own_resolver: bool,
    written: Iterable[str],
) -> preflight.HostRequirements:
    """Return the requirements of a host at this moment."""
    return preflight.HostRequirements(
        role,
        fleet,
        machine,
        now=time(),
        disk=disk,
        endpoint_port=endpoint_port,
        networks={key: IPv4Network(network) for key, network in networks.items()},
        address=address,
        swap=swap,
        own_resolver=own_resolver,
        written=frozenset(written),
    )
