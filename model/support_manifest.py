"""The document `manifest.json` of an archive of `fleet support`, and its text for a person.

Its fields are those of the schema in docs/support.schema.json.
"""

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby

from pydantic import Field

from model.report import ReportEntry


class ArchivedFile(ReportEntry):
    """A file of the archive."""

    path: str = Field(description="Its path below the archive's folder.")
    source: str = Field(description="Where it comes from: api, etcd, machines/NAME, ...")
    size_bytes: int = Field(description="Its size.")
    cut: str = Field(description="Why it is not complete; empty if it is.")


class MissingFile(ReportEntry):
    """Something that was not obtained."""

    name: str = Field(description="Its path, or the source if nothing of it was obtained.")
    source: str = Field(description="Where it would have come from.")
    reason: str = Field(description="Why it is missing.")


class Redaction(ReportEntry):
    """How secrets were recognized."""

    secret_values: int | None = Field(
        description="How many values of the cluster's Secrets were searched for everywhere; null "
        "if they could not be read: then secrets were recognized by their form and name alone."
    )
    reason: str = Field(description="Why they could not be read; empty if they were.")


class Manifest(ReportEntry):
    """What an archive contains, and what it lacks."""

    time: datetime = Field(description="When it was begun.")
    took_seconds: float = Field(description="How long it took.")
    timeout_seconds: float = Field(description="How long it might take.")
    program_version: str = Field(description="The version of kubeadm-fleet.")
    cluster: str = Field(description="The cluster.")
    server: str = Field(description="The API server that was asked; empty if none answered.")
    redaction: Redaction = Field(description="How secrets were recognized.")
    files: list[ArchivedFile] = Field(description="All files, by path.")
    missing: list[MissingFile] = Field(description="What was not obtained, by name.")


def reasons(missing: list[MissingFile]) -> Iterator[str]:
    """Yield a line for each source and reason: a machine that does not answer lacks much."""
    ordered = sorted(missing, key=lambda each: (each.source, each.reason, each.name))
    for (source, reason), group in groupby(ordered, lambda each: (each.source, each.reason)):
        names = [each.name.removeprefix(f"{source}/") for each in group]
        what = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        about = source if what == source else f"{source}: {what}"
        yield f"{about}: {' '.join(reason.split())}"


def readme(manifest: Manifest) -> str:
    """Return the text README.txt."""
    cut = [f"{each.path}: {each.cut}" for each in manifest.files if each.cut]
    parts = [
        f"Support archive of the cluster {manifest.cluster}, {manifest.time:%Y-%m-%d %H:%M} UTC,\n"
        f"made by `fleet support` of kubeadm-fleet {manifest.program_version}.\n",
        _CONTENTS,
        _REDACTION,
    ]
    if manifest.redaction.secret_values is None:
        parts.append(
            "ATTENTION: the values of the cluster's Secrets could not be read\n"
            f"({manifest.redaction.reason}).\nThey were recognized by their form and name alone: "
            "treat this archive as if it had some.\n"
        )
    parts.append(_listed("What is missing", list(reasons(manifest.missing))))
    parts.append(_listed("What is not complete", cut))
    return "\n".join(parts)


def _listed(title: str, lines: list[str]) -> str:
    return f"{title}\n\n" + "".join(f"  {line}\n" for line in lines or ["nothing"])


_CONTENTS = """\
Where to begin

  status.json             what `fleet status` and `fleet describe` say: conditions, nodes, add-ons
  api/events.txt          the cluster's events, oldest first
  machines/NAME/facts     memory, disks, units, network, clock of a machine
  machines/NAME/logs      logs: kubelet, containerd, kernel, steps of kubeadm-fleet, and pods/ with
                          those of kube-system, also of previous runs
  machines/NAME/etcd      what etcd on this control plane says: members, status, health, metrics
  machines/NAME/files     static pods, the kubelet's and containerd's configuration
  machines/NAME/certificates.json
                          when each certificate expires
  etcd/                   members, status and alarms, asked through the API
  config/                 the settings of the cluster, and the documents that follow from them
  api/GROUP/VERSION/KIND.json
                          all objects, as lists that kubectl can read
  pod-logs/               logs of pods on machines that could not be logged in to, from the API
  manifest.json           all files, and what is missing, for a program
"""
_REDACTION = """\
What was taken out

  <redacted:secret:NAMESPACE/NAME/KEY>  the value of this Secret; look it up in the cluster
  <redacted:KIND:0123456789>            another secret; equal ones have equal digits, which say
                                        nothing about it

  Secrets, and ConfigMaps that are not Kubernetes' own, have the sizes of their keys only. Values of
  environment variables, except for harmless ones, last-applied-configuration and managedFields are
  omitted.
"""
