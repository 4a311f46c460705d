"""Errors of SSH connections, by what a caller can do about them."""

from ops.errors import OperatorError


class Unreachable(OperatorError):
    """The host is unreachable, shows an unexpected host key, or rejects the login."""


class WrongHostKey(Unreachable):
    """The host key differs from the pinned one."""


class ConnectionLost(Unreachable):
    """The connection ended while a command ran."""
