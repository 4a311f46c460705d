"""The table of a machine's files, by checksum.

Each run of the program puts it into the store that the providers of the run read. Machine resources
deliver it; rollouts name it.
"""

from model.fleet import Cluster
from model.machine import Machine
from model.render.machine_files import machine_files, part_digests, table
from ops.hosts import content
from ops.rollout.inputs import FilesInputs


def files_of(cluster: Cluster, machine: Machine) -> FilesInputs:
    """Return the checksum of the table of a machine's files, and the digests of its parts."""
    files = machine_files(cluster, machine)
    return {"table": content.put(table(files)), "parts": part_digests(files)}
