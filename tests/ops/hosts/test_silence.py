"""A host that falls silent while a command runs on it."""

import socket

from ops.hosts.login import Login
from ops.hosts.ssh import SILENT_SECONDS, reach


def test_a_host_that_acknowledges_nothing_is_given_up_before_its_command_s_limit() -> None:
    """Without this, the kernel repeats its packets for a quarter of an hour."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        login = Login.from_props({"host": "127.0.0.1", "port": port, "user": "x", "sudo": False})
        with reach(login) as connection:
            limit = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
    assert limit == SILENT_SECONDS * 1000
