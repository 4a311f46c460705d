"""The ledger: everything that expires on a stack's clusters and machines, and the age of keys.

It is also the document that `fleet certs -o json` prints: its fields are those of the schema in
docs/ledger.schema.json.
"""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Literal

from pydantic import Field

from model.report import MachineEntry, ReportEntry, Unreadable

# A CA needs a rotation, which a person begins.
AUTHORITY_WARNING = timedelta(days=365)
# Kubelets renew a certificate after 70 to 90 % of its lifetime, control planes after two thirds.
OVERDUE_SHARE = 0.1


class Status(StrEnum):
    """What a certificate's dates mean now."""

    VALID = "valid"
    EXPIRING = "expiring"
    EXPIRED = "expired"


class Certificate(MachineEntry):
    """A certificate, wherever it is stored on one machine, or in a Secret of the cluster."""

    node: str = Field(
        description="The machine; empty: on the host where `fleet` ran, or in a Secret."
    )
    name: str = Field(description="Its name, as kubeadm has it where kubeadm knows it.")
    kind: Literal["leaf", "authority", "kubeconfig"] = Field(
        description="`kubeconfig` is a person's: it is meant to end, and never a finding."
    )
    paths: tuple[str, ...] = Field(description="The files that it is in, or its Secret.")
    subject: str = Field(description="Its subject (RFC 4514).")
    issuer: str = Field(description="Its issuer (RFC 4514).")
    authority: str = Field(description="The name of the CA that signed it; empty if it did itself.")
    serial_number: str = Field(description="In hexadecimal digits.")
    fingerprint: str = Field(description="The SHA-256 of the certificate, in hexadecimal digits.")
    names: tuple[str, ...] = Field(description="The DNS names and addresses that it is valid for.")
    not_before: datetime = Field(description="From when on it is valid.")
    not_after: datetime = Field(description="When it expires.")
    status: Status = Field(description="Whether it has expired, or will within the threshold.")


class MissingFile(MachineEntry):
    """A file of certificates that a component is configured to read, and that does not exist."""

    name: str = Field(description="Its name, as a certificate of this file would have it.")
    path: str = Field(description="The file.")
    users: tuple[str, ...] = Field(description="The components and kubeconfigs that name it.")


class Key(MachineEntry):
    """A key without an expiry."""

    name: str = Field(description="Which key.")
    path: str = Field(description="The file.")
    written: datetime = Field(description="When the file was written, by the machine's clock.")
    fingerprint: str = Field(
        "",
        description="Of the public half: of an SSH host key, as `ssh-keygen -l` prints it; of the "
        "service-account key, the `kid` of its tokens. Empty for encryption at rest.",
    )


class Token(ReportEntry):
    """The token with which a tool reaches a cluster that is registered in it."""

    cluster: str = Field(description="The registered cluster.")
    tool: str = Field(description="The tool: argocd or flux.")
    secret: str = Field(description="Where it is: CLUSTER/NAMESPACE/NAME of the tool's Secret.")
    not_before: datetime = Field(description="When it was issued.")
    not_after: datetime = Field(description="When it expires.")
    status: Status = Field(description="Whether it has expired, or will within the threshold.")


class Renewal(MachineEntry):
    """What a control plane last did by the clock: a leaf, the snapshot of etcd, the run itself."""

    subject: str = Field(description="What was renewed: `run` is the run itself.")
    time: datetime = Field(description="When.")
    details: str = Field(description="The leaf's expiry, the snapshot's name, or the next run.")


class RenewalFailure(MachineEntry):
    """What a control plane could not do by the clock."""

    subject: str = Field(description="What was to be renewed: `run` is the run itself.")
    reason: str = Field(description="Why it failed.")


class Ledger(ReportEntry):
    """What was found, certificates with the soonest expiry first."""

    time: datetime = Field(description="When it was read.")
    certificates: tuple[Certificate, ...] = Field((), description="All certificates.")
    missing: tuple[MissingFile, ...] = Field((), description="Files that do not exist.")
    keys: tuple[Key, ...] = Field((), description="Keys without an expiry, the oldest first.")
    tokens: tuple[Token, ...] = Field((), description="Tokens of tools, by expiry.")
    renewals: tuple[Renewal, ...] = Field((), description="Renewals by the clock.")
    failures: tuple[RenewalFailure, ...] = Field((), description="Renewals that failed.")
    unreadable: tuple[Unreadable, ...] = Field((), description="What could not be read.")

    @property
    def findings(self) -> bool:
        """Whether something needs attention: missing, expired, about to expire, or not renewed."""
        ending = (
            *(found.status for found in self.certificates if found.kind != "kubeconfig"),
            *(found.status for found in self.tokens),
        )
        return bool(self.missing or self.failures or any(one is not Status.VALID for one in ending))


def combined(ledgers: "list[Ledger]", time: datetime) -> Ledger:
    """Combine the ledgers of several machines into one, in order."""
    certificates = [found for ledger in ledgers for found in ledger.certificates]
    keys = [found for ledger in ledgers for found in ledger.keys]
    tokens = [found for ledger in ledgers for found in ledger.tokens]
    return Ledger(
        time=time,
        certificates=tuple(sorted(certificates, key=lambda found: found.not_after)),
        missing=tuple(found for ledger in ledgers for found in ledger.missing),
        keys=tuple(sorted(keys, key=lambda found: found.written)),
        tokens=tuple(sorted(tokens, key=lambda found: found.not_after)),
        renewals=tuple(found for ledger in ledgers for found in ledger.renewals),
        failures=tuple(found for ledger in ledgers for found in ledger.failures),
        unreadable=tuple(found for ledger in ledgers for found in ledger.unreadable),
    )


def status_of(
    not_before: datetime,
    not_after: datetime,
    *,
    now: datetime,
    is_authority: bool,
    threshold: timedelta | None = None,
    warn_before: timedelta = AUTHORITY_WARNING,
) -> Status:
    """Judge a certificate's dates.

    Without a threshold, a leaf is expiring if nobody has renewed it in time, and a CA if it has
    less than `warn_before` left, or in the last third of a short life.
    """
    lifetime = not_after - not_before
    if threshold is None:
        threshold = min(warn_before, lifetime / 3) if is_authority else lifetime * OVERDUE_SHARE
    if now >= not_after:
        return Status.EXPIRED
    return Status.EXPIRING if not_after - now <= threshold else Status.VALID


def now() -> datetime:
    """Return the time, to the second."""
    return datetime.now(UTC).replace(microsecond=0)
