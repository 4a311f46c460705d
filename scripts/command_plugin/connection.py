"""Connecting to a host: dialing until it answers, through a bastion if there is one.

SSH modules are imported only when a host is dialed.
"""

import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from scripts.command_plugin.go_format import system_error
from scripts.command_plugin.running_operation import Failure, RunningOperation
from scripts.command_plugin.ssh_endpoint import SshEndpoint

if TYPE_CHECKING:
    from scripts.command_plugin.ssh_transport import SshTransport

T = TypeVar("T")

FIRST_DELAY = 0.1
DELAY_GROWTH = 1.5
MAX_DELAY = 5.0
WITHOUT_LIMIT = -1


@contextmanager
def connected(
    properties: Mapping[str, Any], operation: RunningOperation
) -> Iterator["SshTransport"]:
    """Yield a connection to the host described by checked properties, through any proxy."""
    from scripts.command_plugin.authentication import Authenticator

    endpoint = SshEndpoint.parse(properties)
    login = Authenticator(endpoint)
    if properties.get("proxy") is None:
        link = _retried(
            operation, "Dial", endpoint, lambda: login.open(_dial(endpoint, operation), operation)
        )
        with link:
            yield link
        return
    bastion = SshEndpoint.parse(properties["proxy"])
    with _prefixed("proxy: "):
        bastion_login = Authenticator(bastion)
        proxy = _retried(
            operation,
            "Dial proxy",
            bastion,
            lambda: bastion_login.open(_dial(bastion, operation), operation),
        )
    with proxy:
        with _prefixed("proxy: "):
            first = _retried(
                operation, "Dial from proxy", endpoint, lambda: login.tunnel(proxy, operation)
            )
            tunnels = iter([first])
            link = _retried(
                operation,
                "Dial",
                endpoint,
                # A failed attempt uses up its tunnel.
                lambda: login.open(
                    next(tunnels, None) or login.tunnel(proxy, operation), operation
                ),
            )
        with link:
            yield link


@contextmanager
def _prefixed(prefix: str) -> Iterator[None]:
    try:
        yield
    except Failure as failure:
        raise Failure(f"{prefix}{failure}", failure.code) from failure


def _retried(
    operation: RunningOperation, what: str, endpoint: SshEndpoint, attempt: Callable[[], T]
) -> T:
    """Retry until it succeeds, the limit is reached, or the operation is to end."""
    limit = endpoint.dial_error_limit
    delay = FIRST_DELAY
    tries = 0
    while True:
        try:
            return attempt()
        except Failure as failure:
            if WITHOUT_LIMIT < limit <= tries:
                raise Failure(f"after {tries} failed attempts: {failure}") from failure
        tries += 1
        shown = "inf" if limit == WITHOUT_LIMIT else limit
        operation.log.progress(f"{what} {tries}/{shown} failed: retrying")
        operation.pause(delay)
        delay = min(delay * DELAY_GROWTH, MAX_DELAY)


def _dial(endpoint: SshEndpoint, operation: RunningOperation) -> socket.socket:
    from scripts.command_plugin.ssh_transport import PromptSocket

    limits = [endpoint.dial_seconds, operation.seconds_left()]
    timeout = min((limit for limit in limits if limit is not None), default=None)
    try:
        connection = socket.create_connection((endpoint.host, endpoint.port), timeout=timeout)
    except socket.gaierror as error:
        known = error.errno in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", None))
        reason = "no such host" if known else error.strerror
        raise Failure(f"dial tcp: lookup {endpoint.host}: {reason}") from error
    except TimeoutError as error:
        raise Failure(f"dial tcp {endpoint.address}: i/o timeout") from error
    except OSError as error:
        raise Failure(f"dial tcp {endpoint.address}: connect: {system_error(error)}") from error
    return PromptSocket(connection)
