"""SSH login: the handshake on a new connection, host key verification, and authentication."""

import socket
from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeAlias

from scripts.command_plugin import keys
from scripts.command_plugin.endpoint import Endpoint
from scripts.command_plugin.light_paramiko import paramiko
from scripts.command_plugin.link import Link, over
from scripts.command_plugin.operation import Failure, Operation

# An authentication method: tries it, and returns the methods required in addition.
Proof: TypeAlias = Callable[[Link], list[str]]

_PUBLIC_KEY = "publickey"
_PASSWORD = "password"  # noqa: S105 - SSH's name of a method
_QUESTIONS = "keyboard-interactive"


class Login:
    """Logs in to one endpoint, any number of times. Unreadable keys fail at once."""

    def __init__(self, endpoint: Endpoint) -> None:
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

    def open(self, sock: socket.socket | paramiko.Channel, operation: Operation) -> Link:
        """Log in over a connection; close the connection on failure."""
        key_types = (self._pinned[0],) if self._pinned else None
        try:
            link = Link(sock, key_types)
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

    def tunnel(self, proxy: Link, operation: Operation) -> paramiko.Channel:
        """Open a connection to the endpoint from the proxy."""
        target = (self._endpoint.host, self._endpoint.port)
        timeout = self._endpoint.dial_seconds
        if (left := operation.seconds_left()) is not None:
            timeout = min(left, timeout or left)
        source = ("0.0.0.0", 0)  # noqa: S104 - from nowhere in particular
        with over("opening a connection through the proxy"):
            try:
                return proxy.open_channel("direct-tcpip", target, source, timeout=timeout)
            except paramiko.ChannelException as error:
                reason = f"{error.text.lower()} ({proxy.refusal})"
                raise Failure(f"ssh: rejected: {reason}") from error

    def _authenticate(self, link: Link) -> None:
        """Authenticate with the available methods, in order, as far as the server requires."""
        attempted = ["none"]
        wanted: list[str] | None = None
        for method, proof in self._proofs():
            if wanted is not None and method not in wanted:
                continue
            if method not in attempted:
                attempted.append(method)
            try:
                wanted = proof(link)
            except paramiko.BadAuthenticationType as error:
                wanted = error.allowed_types
            except paramiko.AuthenticationException:
                if not link.is_active():
                    raise
            else:
                if not wanted:
                    return
        raise _handshake_failure(
            f"ssh: unable to authenticate, attempted methods [{' '.join(attempted)}], "
            "no supported methods remain"
        )

    def _proofs(self) -> Iterator[tuple[str, Proof]]:
        user, password = self._endpoint.user, self._endpoint.password
        if self._key is not None:
            yield _PUBLIC_KEY, partial(_prove_with_key, user, self._key)
        if password is not None:
            yield _PASSWORD, lambda link: link.auth_password(user, password, fallback=False)
            yield (
                _QUESTIONS,
                lambda link: link.auth_interactive(
                    user, lambda _title, _text, questions: [password] * len(questions)
                ),
            )
        if self._key is None and self._endpoint.agent_socket is not None:
            agent = keys.Agent(self._endpoint.agent_socket)
            try:
                for each in agent.list_keys():
                    yield _PUBLIC_KEY, partial(_prove_with_key, user, each)
            finally:
                agent.close()
        if self._key is None and password is None:
            yield "none", lambda link: link.auth_none(user)


def _prove_with_key(user: str, key: paramiko.PKey, link: Link) -> list[str]:
    return link.auth_publickey(user, key)


def _handshake_failure(reason: str) -> Failure:
    return Failure(f"ssh: handshake failed: {reason}")
