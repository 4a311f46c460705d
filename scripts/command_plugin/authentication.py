"""SSH login: the handshake on a new connection, host key verification, and authentication."""

import socket
from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeAlias

from scripts.command_plugin import keys
from scripts.command_plugin.light_paramiko import paramiko
from scripts.command_plugin.running_operation import Failure, RunningOperation
from scripts.command_plugin.ssh_endpoint import SshEndpoint
from scripts.command_plugin.ssh_transport import SshTransport, naming_errors

# An authentication method: tries it, and returns the methods required in addition.
AuthMethod: TypeAlias = Callable[[SshTransport], list[str]]

_PUBLIC_KEY = "publickey"
_PASSWORD = "password"  # noqa: S105 - SSH's name of a method
_KEYBOARD_INTERACTIVE = "keyboard-interactive"


class Authenticator:
    """Logs in to one endpoint, any number of times. Unreadable keys fail immediately."""

    def __init__(self, endpoint: SshEndpoint) -> None:
        self._endpoint = endpoint
        self._pinned = keys.host_key(endpoint.host_key) if endpoint.host_key is not None else None
        self._key = (
            keys.private_key(endpoint.private_key, endpoint.private_key_password)
            if endpoint.private_key is not None
            else None
        )
        # Queried for keys only if no private key is configured, but it must be reachable.
        if endpoint.agent_socket is not None:
            keys.Agent(endpoint.agent_socket).close()

    def open(
        self, sock: socket.socket | paramiko.Channel, operation: RunningOperation
    ) -> SshTransport:
        """Log in over a connection; close the connection on failure."""
        key_types = (self._pinned[0],) if self._pinned else None
        try:
            link = SshTransport(sock, key_types)
        except ValueError:
            # A pinned RSA key: as with the official plugin, it matches no algorithm that is still
            # in use.
            sock.close()
            offered = " ".join(key_types or ())
            raise _handshake_failure(
                f"ssh: no common algorithm for host key; we offered: [{offered}]: "
                "pin the host's ssh-ed25519 or ecdsa key"
            ) from None
        try:
            with operation.when_cancelled(link.close):
                link.start_client(timeout=link.handshake_timeout)
                if self._pinned and link.get_remote_server_key().asbytes() != self._pinned[1]:
                    raise _handshake_failure("ssh: host key mismatch")
                self._authenticate(link)
        except Failure:
            link.close()
            raise
        except (paramiko.SSHException, EOFError, OSError) as error:
            link.close()
            raise _handshake_failure(str(error) or "EOF") from error
        return link

    def tunnel(self, proxy: SshTransport, operation: RunningOperation) -> paramiko.Channel:
        """Open a connection to the endpoint from the proxy."""
        target = (self._endpoint.host, self._endpoint.port)
        timeout = self._endpoint.dial_seconds
        if (left := operation.seconds_left()) is not None:
            timeout = min(left, timeout or left)
        source = ("0.0.0.0", 0)  # noqa: S104 - from nowhere in particular
        with naming_errors("opening a connection through the proxy"):
            try:
                return proxy.open_channel("direct-tcpip", target, source, timeout=timeout)
            except paramiko.ChannelException as error:
                reason = f"{error.text.lower()} ({proxy.refusal})"
                raise Failure(f"ssh: rejected: {reason}") from error

    def _authenticate(self, link: SshTransport) -> None:
        """Authenticate with the available methods, in order, as far as the server requires."""
        attempted = ["none"]
        accepted: list[str] | None = None
        for method, attempt in self._methods():
            if accepted is not None and method not in accepted:
                continue
            if method not in attempted:
                attempted.append(method)
            try:
                accepted = attempt(link)
            except paramiko.BadAuthenticationType as error:
                accepted = error.allowed_types
            except paramiko.AuthenticationException:
                if not link.is_active():
                    raise
            else:
                if not accepted:
                    return
        raise _handshake_failure(
            f"ssh: unable to authenticate, attempted methods [{' '.join(attempted)}], "
            "no supported methods remain"
        )

    def _methods(self) -> Iterator[tuple[str, AuthMethod]]:
        user, password = self._endpoint.user, self._endpoint.password
        if self._key is not None:
            yield _PUBLIC_KEY, partial(_auth_with_key, user, self._key)
        if password is not None:
            yield _PASSWORD, lambda link: link.auth_password(user, password, fallback=False)
            yield (
                _KEYBOARD_INTERACTIVE,
                lambda link: link.auth_interactive(
                    user, lambda _title, _text, questions: [password] * len(questions)
                ),
            )
        if self._key is None and self._endpoint.agent_socket is not None:
            agent = keys.Agent(self._endpoint.agent_socket)
            try:
                for key in agent.list_keys():
                    yield _PUBLIC_KEY, partial(_auth_with_key, user, key)
            finally:
                agent.close()
        if self._key is None and password is None:
            yield "none", lambda link: link.auth_none(user)


def _auth_with_key(user: str, key: paramiko.PKey, link: SshTransport) -> list[str]:
    return link.auth_publickey(user, key)


def _handshake_failure(reason: str) -> Failure:
    return Failure(f"ssh: handshake failed: {reason}")
