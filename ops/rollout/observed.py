"""The observed state of a machine: its own report, and its Node in the API."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypedDict

from model.people import person_of
from model.pki import leaves, serving
from model.pki.machine_certificates import Expiry, MachineCertificates, common_name
from model.pki.serving import ServingCertificate
from model.render.node_paths import CLIENT_CA_FILE, KUBELET_SERVING
from model.well_known import ARCHITECTURES
from ops.kube.node import Node
from ops.rollout.desired import MISSING, DesiredMachine
from ops.rollout.record import RolloutRecord


class Validity(TypedDict):
    """When a certificate expires, and from when on it is renewed (ISO 8601)."""

    expires: str
    due: str


class MachineSummary(TypedDict, total=False):
    """A machine as observed, in the stack's state.

    `certificate` is what `expires` first, `serving` its kubelet's serving certificate.
    """

    reachable: bool
    reason: str
    joined: bool
    version: str
    services: dict[str, str]
    expires: str
    certificate: str
    node: str
    renewal_failures: dict[str, str]
    serving: Validity


@dataclass(frozen=True)
class ObservedCluster:
    """What the cluster itself records.

    `version` is that of its own objects, `control` and `kubelet` are the digests of the documents
    that machines join with ("" if unknown), `unfinished` is the rollout that is under way.
    `clients` is the digest of the CAs that aggregated API servers accept clients of, `front_proxy`
    that of the CAs of the API servers' own requests. `writer` is what encrypted Secrets
    (ops/kube/stored_secrets.py).
    """

    version: str
    control: str = ""
    kubelet: str = ""
    unfinished: RolloutRecord | None = None
    clients: str = ""
    front_proxy: str = ""
    writer: str = ""


@dataclass(frozen=True)
class AppliedState:
    """The machine's record of its last applied desired state; empty if there is none."""

    version: str = ""
    control: str = ""
    kubelet: str = ""
    services: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    recorded: str = ""


@dataclass(frozen=True)
class ObservedMachine:
    """A machine as observed; `unreachable` is the reason why nothing is known about it, or empty.

    `files` are the checksums of the watched files, or "missing"; `services` the systemd states of
    the watched services. `staged` are versions installed beside the running one; `cleanup_pending`:
    nothing was removed yet after an upgrade; `is_registering`: its pods are still a former Node's.
    `crashes` are services and static pods that are crash-looping, with their last error;
    `renewal_failures` leaves or snapshots whose last renewal by the clock failed, with the reason;
    `invalid_certificates` those that cannot be used: each "is missing" or "expired on ...".
    `exposed` are files that others may read or change, each with the reason. `drift` is what else
    is not as it was declared (scripts/node/drift.sh): programs, kernel settings and modules, and
    units that would not start at a boot, each with the rest of a sentence.
    `credentials` is the checksum of its credentials for registry mirrors, or "missing".
    `images` are the states of images that are not as they were sent, by reference, and
    `missing_archives` the checksums of those images' files that are not on the machine.
    `patched` is the time whose security updates its system has, "" if none was recorded.
    `bridge` is the address of its pods' bridge, `vtep` flannel's hardware address, `plugin` what
    connects its pods, as its CNI configuration is named, "" if it has none. `parts` are the digests
    of its managed files as they were written last. `expiry` is that of the certificate that
    expires first, `serving` its kubelet's serving certificate. `clients` is the checksum of the CAs
    whose client certificates its API server accepts, or "missing"; `people` are those whom they are
    of. `secrets` is the digest of its API server's secret files, or "missing". `trust` is the
    digest of what it trusts, `kubelet_ca` that of the cluster's CA as its kubelet has read it.
    `issuers` are those of its leaf certificates, by name (model/pki/leaves.py). While the API does
    not answer, `node` is unknown.
    """

    unreachable: str = ""
    is_member: bool = True
    version: str = ""
    is_interrupted: bool = False
    staged: tuple[str, ...] = ()
    cleanup_pending: bool = False
    is_registering: bool = False
    credentials: str = MISSING
    clients: str = MISSING
    people: tuple[str, ...] | None = None
    secrets: str = MISSING
    arch: str = ""
    images: Mapping[str, str] = field(default_factory=dict)
    missing_archives: tuple[str, ...] = ()
    patched: str = ""
    bridge: str = ""
    plugin: str = ""
    vtep: str = ""
    services: Mapping[str, str] = field(default_factory=dict)
    crashes: Mapping[str, str] = field(default_factory=dict)
    renewal_failures: Mapping[str, str] = field(default_factory=dict)
    invalid_certificates: Mapping[str, str] = field(default_factory=dict)
    exposed: Mapping[str, str] = field(default_factory=dict)
    drift: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    parts: Mapping[str, str] = field(default_factory=dict)
    expiry: Expiry | None = None
    serving: ServingCertificate | None = None
    trust: str = MISSING
    kubelet_ca: str = MISSING
    issuers: Mapping[str, str] = field(default_factory=dict)
    applied: AppliedState = AppliedState()
    node: Node | None = None
    api_answers: bool = True

    @property
    def is_ready(self) -> bool:
        """Whether it serves its cluster now."""
        return not self.unreachable and self.node is not None and self.node.ready

    @property
    def summary(self) -> MachineSummary:
        """Return the user-facing summary in the stack's state."""
        if self.unreachable:
            return {"reachable": False, "reason": self.unreachable, "node": self._standing}
        summary: MachineSummary = {
            "reachable": True,
            "joined": self.is_member,
            "version": self.version,
            "services": dict(self.services),
            "node": self._standing,
        }
        if self.renewal_failures:
            summary["renewal_failures"] = dict(self.renewal_failures)
        if self.expiry:
            summary["expires"] = self.expiry.time.isoformat()
            summary["certificate"] = self.expiry.name
        if self.serving:
            expires, due = self.serving.expires.isoformat(), self.serving.due.isoformat()
            summary["serving"] = {"expires": expires, "due": due}
        return summary

    @property
    def _standing(self) -> str:
        if not self.api_answers:
            return "unknown"
        if self.node is None:
            return MISSING
        return "ready" if self.node.ready else "not ready"


def as_recorded(machine: DesiredMachine) -> ObservedMachine:
    """Return a machine in the state of its inputs."""
    node = Node(
        ready=True,
        cordoned=False,
        labels=machine.labels,
        taints=machine.taints,
        our_labels=tuple(machine.labels),
        our_taints=machine.taints,
    )
    applied = AppliedState(
        machine.version, machine.control, machine.kubelet, recorded=machine.recorded
    )
    return ObservedMachine(
        version=machine.version,
        parts=machine.parts,
        credentials=machine.credentials,
        clients=machine.clients,
        secrets=machine.secrets,
        trust=machine.trust,
        kubelet_ca=machine.cluster_ca,
        patched=machine.security_updates,
        plugin=machine.plugin,
        applied=applied,
        node=node,
    )


def parse(lines: Iterable[str]) -> ObservedMachine:
    """Parse the lines of key, tab and value that scripts/node/applied_state.sh prints."""
    lines = list(lines)
    known = dict(line.split("\t", 1) for line in lines if "\t" in line)
    if known.get("complete") != "yes":
        return ObservedMachine(unreachable="its response was incomplete")
    certificates = MachineCertificates.parse(lines)
    images = {name: value.split() for name, value in _below("image:", known).items()}
    return ObservedMachine(
        is_member=bool(known["member"]),
        version=known["kubelet"],
        is_interrupted=known["interrupted"] == "yes",
        staged=tuple(known["staged"].split()),
        cleanup_pending=known["cleanup_pending"] == "yes",
        is_registering=known["registering"] == "yes",
        credentials=known["credentials"],
        clients=known["client_authorities"],
        people=_people(certificates),
        secrets=known["api_server_secrets"],
        trust=known["trust"],
        kubelet_ca=known["kubelet_ca"],
        issuers=leaves.issuers(certificates),
        arch=ARCHITECTURES.get(known["arch"], known["arch"]),
        images={name: state for name, (state, *_) in images.items()},
        missing_archives=tuple(sum_ for _, *sums in images.values() for sum_ in sums),
        patched=known["patched"],
        bridge=known["bridge"],
        plugin=known["plugin"],
        vtep=known["vtep"],
        serving=serving.read(certificates, KUBELET_SERVING, known["serving_key"]),
        services=_below("service:", known),
        crashes=_below("crash:", known),
        renewal_failures=_below("renewal:", known),
        invalid_certificates=_below("invalid:", known),
        exposed=_below("exposed:", known),
        drift=_below("drift:", known),
        files=_below("file:", known),
        parts=_below("part:", known),
        expiry=certificates.soonest,
        applied=AppliedState(
            known.get("applied:version", ""),
            known.get("applied:control", ""),
            known.get("applied:kubelet", ""),
            _below("applied:service:", known),
            _below("applied:file:", known),
            known.get("applied:recorded", ""),
        ),
    )


def _people(certificates: MachineCertificates) -> tuple[str, ...]:
    """Return whose CAs the API server's clients may have."""
    names = (common_name(one.subject) for one in certificates.all_at(CLIENT_CA_FILE))
    return tuple(sorted(person for name in names if (person := person_of(name))))


def _below(prefix: str, known: Mapping[str, str]) -> dict[str, str]:
    return {
        key.removeprefix(prefix): value for key, value in known.items() if key.startswith(prefix)
    }
