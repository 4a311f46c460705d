"""The texts of a machine, by checksum: its steps' scripts, and the table of its files.

Each run of the program puts them into the store that the providers of the run read. Machine
resources deliver them; steps and rollouts name them.
"""

from model.fleet import CONTROL_PLANE, WORKER, Cluster, Machine
from model.render.machine_files import machine_files, part_digests, table
from ops.hosts import content, scripts
from ops.hosts.artifacts import FILES
from ops.rollout.desired import FilesInputs

SCRIPTS = {CONTROL_PLANE: ("prepare", "init", "control-plane"), WORKER: ("prepare", "worker")}


def files_of(cluster: Cluster, machine: Machine) -> FilesInputs:
    """Return the checksum of the table of a machine's files, and the digests of its parts."""
    files = machine_files(cluster, machine)
    return {"table": content.put(table(files)), "parts": part_digests(files)}


def texts_of(machine: Machine, files: FilesInputs) -> dict[str, str]:
    """Return the checksums of a machine's texts by name."""
    return {
        **{name: script_checksum(name) for name in SCRIPTS[machine.role]},
        FILES: files["table"],
    }


def script_checksum(script: str) -> str:
    """Return the checksum of a script of scripts/node/, including its requirements."""
    return content.put(scripts.source(script))
