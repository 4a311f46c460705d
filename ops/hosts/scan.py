"""The host keys that an SSH server presents, read without logging in."""

from typing import TYPE_CHECKING, Any

from model.ssh_keys import ALGORITHMS
from ops.errors import text_of
from ops.hosts import ssh
from ops.hosts.login import Login
from ops.hosts.ssh import reach
from ops.hosts.ssh_errors import Unreachable

if TYPE_CHECKING:
    import paramiko


def host_keys(login: Login) -> "list[paramiko.PKey]":
    """Return a host's keys of the kinds that can be pinned, the preferred one first.

    They are not authenticated: compare them with those on the host's console. Raises
    Unreachable, also where there is none.
    """
    import paramiko

    try:
        found = [key for algorithm in ALGORITHMS if (key := _shown(reach(login), algorithm))]
    except (OSError, EOFError, paramiko.SSHException) as error:
        raise Unreachable(
            f"{login.host}:{login.port} cannot be reached: {text_of(error)}. Check "
            "address, port, firewall and that sshd runs"
        ) from None
    if not found:
        raise Unreachable(
            f"{login.host}:{login.port} has no host key of one of the types "
            f"{', '.join(ALGORITHMS)}: create one with `ssh-keygen -A` on the host and restart sshd"
        )
    return found


def _shown(stream: Any, algorithm: str) -> "paramiko.PKey | None":
    """Return the key with which the host signs, if it has one of this kind."""
    import paramiko
    from paramiko.ssh_exception import IncompatiblePeer

    transport = paramiko.Transport(stream)
    try:
        transport.get_security_options().key_types = [algorithm]
        transport.start_client(timeout=ssh.DIAL_SECONDS)
        return transport.get_remote_server_key()
    except IncompatiblePeer:
        return None
    finally:
        transport.close()
