"""The systemd unit that runs `fleet watch`, as a user of its own that can change nothing.

https://www.freedesktop.org/software/systemd/man/systemd.exec.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

NAME = "kubeadm-fleet-watch"
# Folders that only this unit has; `%S`, `%L` and `%d` are systemd's names of where they are.
STATE, LOGS, CREDENTIALS = f"%S/{NAME}", f"%L/{NAME}", "%d"

# A process that reads files and connects to other hosts needs nothing of all this.
_HARDENING = """\
DynamicUser=yes
StateDirectory={name}
StateDirectoryMode=0700
LogsDirectory={name}
UMask=0077
CapabilityBoundingSet=
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
ProcSubset=pid
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
"""


@dataclass(frozen=True)
class Unit:
    """A unit: `words` are its command, as `word` or `inside` return them; `credentials` are files
    that root alone may read, by the names that the process has for them."""

    words: Sequence[str]
    credentials: Mapping[str, str] = field(default_factory=dict)

    def text(self) -> str:
        """Return the unit's file."""
        loaded = "".join(
            f"LoadCredential={name}:{_literal(path)}\n" for name, path in self.credentials.items()
        )
        return (
            f"# /etc/systemd/system/{NAME}.service: see docs/watch.md of kubeadm-fleet.\n"
            "[Unit]\n"
            "Description=Watch of a fleet of Kubernetes clusters (fleet watch)\n"
            "Wants=network-online.target\n"
            "After=network-online.target\n"
            # It begins again for as long as it takes: what it watches may be down together with it.
            "StartLimitIntervalSec=0\n"
            "\n[Service]\n"
            "Type=exec\n"
            f"ExecStart={' '.join(self.words)}\n"
            "Restart=always\n"
            "RestartSec=10\n"
            f"{loaded}{_HARDENING.format(name=NAME)}"
            "\n[Install]\n"
            "WantedBy=multi-user.target\n"
        )


def inside(folder: str, name: str, prefix: str = "") -> str:
    """Return the word for a file in one of the unit's folders; raise ValueError for its name."""
    return f'"{prefix}{folder}/{_quoted(name)}"'


def word(text: str) -> str:
    """Return a word of the command that systemd takes as it is; raise ValueError.

    https://www.freedesktop.org/software/systemd/man/systemd.service.html#Command%20lines
    """
    return f'"{_quoted(text)}"'


def _quoted(text: str) -> str:
    for special, escaped in (("\\", "\\\\"), ('"', '\\"'), ("$", "$$")):
        text = text.replace(special, escaped)
    return _literal(text)


def _literal(text: str) -> str:
    """Return a text without specifiers; a line's end would begin another setting."""
    if not text.isprintable():
        raise ValueError(f"{text!r} cannot be in a unit: it has letters that cannot be printed")
    return text.replace("%", "%%")
