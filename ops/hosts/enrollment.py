"""What is done on a host over its connection: look, claim, supply, reset; each is one command."""

from collections.abc import Iterable, Mapping
from time import time

from ops.errors import OperatorError
from ops.hosts import artifacts as supplies
from ops.hosts import preflight, scripts
from ops.hosts.facts import Claim, Facts
from ops.hosts.ssh import Connection, Finished, Unreachable
from ops.hosts.sudo import run_as_root

SILENCE_SECONDS = 120
RESET_SECONDS = 600


class Enrollment:
    """A connection to the host of one machine; `name` is the machine's."""

    def __init__(self, connection: Connection, *, name: str) -> None:
        self._connection = connection
        self.login = connection.login
        self._name = name

    def facts(self, written: Iterable[str] = ()) -> Facts:
        """Look at the host; `written` are paths that would be written there."""
        settings = {
            "SUDO": "yes" if self.login.sudo else "no",
            "SUDO_PASSWORD": self.login.sudo_password or "",
            "PATHS": " ".join(written),
        }
        text = scripts.compose("host_facts", settings).encode()
        finished = self._connection.run(
            "exec bash -c 'eval \"$(cat)\"; host_facts'", [text], seconds=SILENCE_SECONDS
        )
        return Facts.parse(finished.out, self._where)

    def look(self) -> Facts:
        """Look at a host that was taken over; without root nothing can be said about it."""
        facts = self.facts()
        if facts.root_refusal:
            raise Unreachable(
                f"{self._where}: {facts.root_refusal}: let the user become root again, as "
                "it was when the host was taken over, or correct machines.ssh"
            )
        return facts

    def reject_unfit(self, facts: Facts, wanted: preflight.HostRequirements) -> None:
        """Raise OperatorError with everything that keeps the host from being this machine."""
        if found := preflight.problems(facts, wanted):
            lines = "\n  ".join(found)
            raise OperatorError(
                f"{self._where} cannot be a {wanted.role}; nothing was changed on it:\n  {lines}\n"
                "Mend what is named and run `pulumi up` again."
            )

    def take(self, fleet: str, mark: str) -> tuple[Claim, set[str]]:
        """Claim the host; return the claim and the sums of the artifacts that are there."""
        finished = self._as_root("claim_host", {"FLEET": fleet, "MARK": mark})
        first, *have = finished.out.splitlines() or [""]
        claim = Claim.parse(first)
        if finished.status or claim is None:
            raise self._failed(
                finished, f"it was not taken over: its owner is {first or 'unknown'}"
            )
        return claim, set(have)

    def reassign(self, former: str, fleet: str) -> None:
        """Claim the host, which is the same fleet's under its former identity."""
        finished = self._as_root("reassign_host", {"FORMER_FLEET": former, "FLEET": fleet})
        if finished.status:
            raise self._failed(finished, "it was not taken over from the fleet's former identity")

    def sync_artifacts(self, given: supplies.HostArtifacts, have: set[str]) -> None:
        """Send what is missing, have it verified there, and leave the tables."""
        tables = {"INDEX": given.index, "DOWNLOADS": given.downloads, "MIRRORS": given.mirrors}
        missing = [file for file in given.files if file[0] not in have]
        if missing:
            finished = self._as_root("receive_artifacts", tables, supplies.tar(missing))
        else:
            finished = self._as_root("sync_artifacts", tables)
        if finished.status:
            raise self._failed(finished, "it was not supplied")

    def reset(self) -> None:
        """Give the host back as it was found."""
        finished = self._run_as_root(
            "reset", {"NODE_NAME": self._name}, "step_reset", limit=RESET_SECONDS
        )
        if finished.status:
            raise self._failed(finished, "it was not given back as it was found")

    @property
    def _where(self) -> str:
        return f"{self._name} ({self.login})"

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
            scripts.compose(script, settings).encode(),
            call,
            stream,
            limit=limit,
            seconds=limit + SILENCE_SECONDS,
        )

    def _failed(self, finished: Finished, what: str) -> OperatorError:
        said = "\n  ".join(f"{finished.err}\n{finished.out}".strip().splitlines()[-20:])
        how = f"status {finished.status}" if finished.status >= 0 else "the connection was lost"
        return OperatorError(f"{self._where}: {what} ({how}):\n  {said}")


def wanted(
    role: str, fleet: str, machine: str, disk: int, endpoint_port: int | None
) -> preflight.HostRequirements:
    """Return what is asked of a host at this moment."""
    return preflight.HostRequirements(role, fleet, machine, time(), disk, endpoint_port)
