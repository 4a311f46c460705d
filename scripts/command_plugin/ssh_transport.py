"""SSH below the command level: one connection, its keep-alive and its channels."""

import contextlib
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import Any

from scripts.command_plugin.light_paramiko import paramiko
from scripts.command_plugin.running_operation import Failure

# For a host that accepts connections but does not respond: paramiko's own limit is too short for a
# busy host.
HANDSHAKE_SECONDS = 60.0
KEEPALIVE_SECONDS = 15
# The peer is considered gone after this long without an answer.
GIVE_UP_SECONDS = 90

# Response time limit of a working server.
ANSWER_SECONDS = 30.0
# Run by the command's own sshd: hangs up every other session of the same connection.
HANG_UP_OTHERS = (
    'for leader in $(cat "/proc/$PPID/task/$PPID/children"); do '
    '[ "$leader" = $$ ] || kill -HUP -- "-$leader"; done'
)

FAST_KEX = "curve25519-sha256@libssh.org"
FAST_CIPHER = "aes128-gcm@openssh.com"


# paramiko's types omit the internals used here.
_TRANSPORT: Any = paramiko.Transport


class SshTransport(paramiko.Transport):
    """One SSH connection that exposes events which paramiko keeps internal.

    These are: whether a variable was rejected, and which signal ended a command.
    """

    def __init__(self, sock: Any, key_types: tuple[str, ...] | None) -> None:
        super().__init__(sock)
        self.banner_timeout = self.handshake_timeout = self.auth_timeout = HANDSHAKE_SECONDS
        options = self.get_security_options()
        options.kex = _first(FAST_KEX, options.kex)
        options.ciphers = _first(FAST_CIPHER, options.ciphers)
        if key_types is not None:
            options.key_types = key_types
        # The peer's reason for refusing to open a channel.
        self.refusal = ""
        # Callers waiting for an answer, by channel number.
        self._pending: dict[int, SimpleQueue[bool]] = {}
        self._signals: dict[int, str] = {}
        self._channel_handler_table = {
            **_TRANSPORT._channel_handler_table,
            paramiko.common.MSG_CHANNEL_SUCCESS: self._on_success,
            paramiko.common.MSG_CHANNEL_FAILURE: self._on_failure,
            paramiko.common.MSG_CHANNEL_REQUEST: self._on_request,
        }
        self.set_keepalive(KEEPALIVE_SECONDS)

    def set_environment(self, channel: paramiko.Channel, name: str, value: str) -> bool:
        """Set a variable for the channel's command; false if the server refuses it."""
        return self._ask(channel, "env", name, value)

    def hang_up(self, channel: paramiko.Channel) -> None:
        """End the channel's command, as a closed terminal would; then close the channel."""
        # If the connection is lost, the command is already on its own.
        with contextlib.suppress(Failure, paramiko.SSHException, EOFError, OSError):
            if not self._ask(channel, "signal", "HUP"):
                # A server before OpenSSH 7.9, or a login as root: there sshd does not drop its
                # privileges, and refuses to send signals.
                self._run_quickly(HANG_UP_OTHERS)
        channel.close()

    def _run_quickly(self, command: str) -> None:
        another = self.open_session(timeout=ANSWER_SECONDS)
        another.exec_command(command)
        another.status_event.wait(ANSWER_SECONDS)
        another.close()

    def _ask(self, channel: paramiko.Channel, kind: str, *words: str) -> bool:
        """Send the server a request about a channel; return its answer."""
        message = paramiko.Message()
        message.add_byte(paramiko.common.cMSG_CHANNEL_REQUEST)
        message.add_int(channel.remote_chanid)
        message.add_string(kind)
        message.add_boolean(True)
        for word in words:
            message.add_string(word)
        answers: SimpleQueue[bool] = SimpleQueue()
        self._pending[channel.get_id()] = answers
        try:
            _TRANSPORT._send_user_message(self, message)
            return answers.get(timeout=ANSWER_SECONDS)
        except Empty:
            reason = f"no answer to a request within {ANSWER_SECONDS:g} s"
            raise Failure(f"ssh: {reason}: {kind}") from None
        finally:
            del self._pending[channel.get_id()]

    def ending_signal(self, channel: paramiko.Channel) -> str | None:
        """Return the name of the signal that ended the channel's command."""
        return self._signals.get(channel.get_id())

    def close(self) -> None:
        """Close the connection, without waiting for the peer."""
        # Wakes the reader, which would otherwise check only every 0.1 s.
        if isinstance(self.sock, socket.socket):
            with contextlib.suppress(OSError):  # The peer may have closed it first.
                self.sock.shutdown(socket.SHUT_RDWR)
        super().close()

    def _parse_channel_open_failure(self, message: paramiko.Message) -> None:
        message.get_int()
        message.get_int()
        self.refusal = message.get_text()
        message.rewind()
        _TRANSPORT._parse_channel_open_failure(self, message)

    def _on_success(self, channel: Any, message: paramiko.Message) -> None:
        if answers := self._pending.get(channel.get_id()):
            answers.put(True)
        else:
            channel._request_success(message)

    def _on_failure(self, channel: Any, message: paramiko.Message) -> None:
        if answers := self._pending.get(channel.get_id()):
            answers.put(False)
        else:
            channel._request_failed(message)

    def _on_request(self, channel: Any, message: paramiko.Message) -> None:
        if message.get_text() == "exit-signal":
            message.get_boolean()
            self._signals[channel.get_id()] = message.get_text()
            channel.status_event.set()
            return
        message.rewind()
        message.get_int()  # The channel's number, read before this was called.
        channel._handle_request(message)


def _first(preferred: str, names: Any) -> tuple[str, ...]:
    return (preferred, *(name for name in names if name != preferred))


class PromptSocket(socket.socket):
    """A TCP connection that acknowledges immediately and detects a lost peer.

    sshd sends its short answers serially and waits for each acknowledgement, which Linux
    otherwise delays by 40 ms.
    """

    def __init__(self, connection: socket.socket) -> None:
        timeout = connection.gettimeout()
        super().__init__(fileno=connection.detach())
        self.settimeout(timeout)
        self.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._set("TCP_NODELAY", 1)
        # Makes the kernel probe the peer while nothing is sent.
        self._set("TCP_KEEPIDLE", KEEPALIVE_SECONDS)
        self._set("TCP_KEEPINTVL", KEEPALIVE_SECONDS)
        self._set("TCP_KEEPCNT", GIVE_UP_SECONDS // KEEPALIVE_SECONDS)
        self._set("TCP_USER_TIMEOUT", GIVE_UP_SECONDS * 1000)
        self._set("TCP_QUICKACK", 1)

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """Receive with immediate acknowledgement: the kernel resets that option now and then."""
        data = super().recv(size, flags)
        self._set("TCP_QUICKACK", 1)
        return data

    def _set(self, option: str, value: int) -> None:
        if hasattr(socket, option):  # Linux has them all, macOS some.
            self.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


@contextmanager
def naming_errors(what: str) -> Iterator[None]:
    """Convert connection errors into a Failure that names the activity."""
    try:
        yield
    except (paramiko.SSHException, EOFError, OSError) as error:
        raise Failure(f"ssh: {what}: {error or 'the connection was lost'}") from error
