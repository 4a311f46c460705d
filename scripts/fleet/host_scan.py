"""Host keys on the terminal: fingerprints to compare, and YAML for the stack's file."""

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from model.machine import Bastion
from ops.errors import OperatorError
from ops.hosts.login import Login
from ops.hosts.scan import host_keys
from ops.hosts.ssh_errors import Unreachable

if TYPE_CHECKING:
    import paramiko

SSH_PORT = 22
MAX_CONCURRENT = 16
FAILED = 2
KNOWN_HOSTS = Path("~/.ssh/known_hosts")
COMPARE = (
    "Compare each fingerprint with the output of this command on the host's console, then copy the "
    "keys into Pulumi.<stack>.yaml:\n  ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub"
)


@dataclass(frozen=True)
class ScannedHost:
    """A host's keys, or why they could not be read."""

    login: Login
    keys: "tuple[paramiko.PKey, ...]" = ()
    problem: str = ""


def show(hosts: Sequence[str], port: int, bastion: str | None) -> int:
    """Print the keys of all hosts; return the exit status."""
    jump = _bastion(bastion) if bastion else None
    logins = [Login(*_host_port(host, port), user="", bastion=jump) for host in hosts]
    with ThreadPoolExecutor(MAX_CONCURRENT) as pool:
        scanned = list(pool.map(_scan, logins))
    for host in scanned:
        _report(host)
    answered = [host for host in scanned if host.keys]
    if answered:
        click.echo(COMPARE, err=True)
        click.echo(_yaml(answered, jump))
    return 0 if len(answered) == len(scanned) else FAILED


def _scan(login: Login) -> ScannedHost:
    try:
        return ScannedHost(login, tuple(host_keys(login)))
    except Unreachable as error:
        return ScannedHost(login, problem=str(error))


def _report(scanned: ScannedHost) -> None:
    """Print the fingerprints in the format of `ssh-keygen -l`."""
    if scanned.problem:
        click.echo(f"fleet: {scanned.problem}", err=True)
    for key in scanned.keys:
        kind = key.get_name().removeprefix("ssh-").partition("-")[0].upper()
        text = f"{key.get_bits()} {key.fingerprint} {_name(scanned.login)} ({kind})"
        click.echo(text, err=True)


def _yaml(answered: Sequence[ScannedHost], bastion: Bastion | None) -> str:
    import yaml

    config: dict[str, object] = {}
    if bastion:
        port = {"port": bastion.port} if bastion.port != SSH_PORT else {}
        jump = {"host": bastion.host, **port, "user": bastion.user, "hostKey": bastion.host_key}
        config["ssh"] = {"bastion": jump}
    config["hosts"] = {
        label: {
            "address": host.login.host,
            **({"port": host.login.port} if host.login.port != SSH_PORT else {}),
            "hostKey": _text(host.keys[0]),
        }
        for label, host in zip(labels_of([host.login for host in answered]), answered, strict=True)
    }
    return yaml.safe_dump(config, sort_keys=False, width=4096).rstrip()


def labels_of(logins: Sequence[Login]) -> list[str]:
    """Return a name for each host, as short as they differ: the user may choose others."""
    named = [(_short(login.host), _label(login.host), login.port) for login in logins]
    for labels in (
        [short for short, _, _ in named],
        [label for _, label, _ in named],
    ):
        if len(set(labels)) == len(labels):
            return labels
    return [f"{label}-{port}" for _, label, port in named]


def _short(host: str) -> str:
    return _label(host if _is_address(host) else host.partition(".")[0])


def _label(host: str) -> str:
    label = re.sub(r"[^a-z0-9]+", "-", host.lower()).strip("-")
    return f"host-{label}" if _is_address(host) else label


def _is_address(host: str) -> bool:
    return host.rpartition(".")[2].isdigit()


def _text(key: "paramiko.PKey") -> str:
    return f"{key.get_name()} {key.get_base64()}"


def _name(login: Login) -> str:
    return login.host if login.port == SSH_PORT else f"[{login.host}]:{login.port}"


def _host_port(text: str, port: int) -> tuple[str, int]:
    host, _, own = text.rpartition(":")
    if text.count(":") != 1:
        return text, port
    if not (host and own.isdigit()):
        raise OperatorError(f"{text!r} is neither HOST nor HOST:PORT")
    return host, int(own)


def _bastion(text: str) -> Bastion:
    """Return the bastion with its host key from the user's known hosts."""
    import paramiko

    user, at, rest = text.rpartition("@")
    if not (at and user and rest):
        raise OperatorError(f"--bastion {text}: expected USER@HOST or USER@HOST:PORT")
    host, port = _host_port(rest, SSH_PORT)
    name = host if port == SSH_PORT else f"[{host}]:{port}"
    file = KNOWN_HOSTS.expanduser()
    known = paramiko.HostKeys(str(file) if file.exists() else None)
    offered = host_keys(Login(host, port, user))
    for key in offered:
        if known.check(name, key):
            return Bastion(host, port, user, _text(key))
    fingerprints = "\n  ".join(f"{key.get_name()} {key.fingerprint}" for key in offered)
    problem = "has another host key than" if known.lookup(name) else "is not in"
    raise OperatorError(
        f"the bastion {name} {problem} {KNOWN_HOSTS}: compare these fingerprints with those on its "
        f"console, then log in to it once with ssh:\n  {fingerprints}"
    )
