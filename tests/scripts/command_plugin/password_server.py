"""An SSH server with password authentication; sshd would only accept this host's users."""

import socket
import threading
from types import TracebackType
from typing import Any

import paramiko
from paramiko.common import AUTH_FAILED, AUTH_SUCCESSFUL, OPEN_SUCCEEDED
from paramiko.server import InteractiveQuery

from tests.scripts.command_plugin.sshd import Sshd

OUTPUT = b"here\n"


class PasswordServer:
    """Answers any command with one line, once it has the right password by the one method."""

    def __init__(self, method: str, password: str) -> None:
        self._method = method
        self._password = password
        self._listener = socket.create_server((Sshd.host, 0))
        self._host_key = paramiko.ECDSAKey.generate()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> "PasswordServer":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listener.close()

    def connection(self, password: str) -> dict[str, Any]:
        """Give what a resource needs to connect here."""
        return {
            "host": Sshd.host,
            "port": self._listener.getsockname()[1],
            "user": "user",
            "password": password,
            "hostKey": f"{self._host_key.get_name()} {self._host_key.get_base64()}",
            "dialErrorLimit": 1,
            "perDialTimeout": 10,
        }

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return  # Closed at the end of the test.
            transport = paramiko.Transport(connection)
            transport.add_server_key(self._host_key)
            transport.start_server(
                event=threading.Event(), server=_Session(self._method, self._password)
            )


class _Session(paramiko.ServerInterface):
    def __init__(self, method: str, password: str) -> None:
        self._method = method
        self._password = password

    def get_allowed_auths(self, username: str) -> str:
        return self._method

    def check_auth_password(self, username: str, password: str) -> int:
        return self._verdict("password", password)

    def check_auth_interactive(self, username: str, submethods: str) -> int | InteractiveQuery:
        query = InteractiveQuery("", "")
        query.add_prompt("Password: ", False)
        return query

    def check_auth_interactive_response(self, responses: list[str]) -> int:
        return self._verdict("keyboard-interactive", *responses)

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        threading.Thread(target=_answer, args=(channel,), daemon=True).start()
        return True

    def _verdict(self, method: str, *given: str) -> int:
        right = method == self._method and given == (self._password,)
        return AUTH_SUCCESSFUL if right else AUTH_FAILED


def _answer(channel: paramiko.Channel) -> None:
    # The client ends its input once it knows that the command has begun.
    while channel.recv(1024):
        pass
    channel.sendall(OUTPUT)
    channel.send_exit_status(0)
    channel.close()
