"""The certificates of a cluster's machines, seen again and again while it lives.

Those in files, and those that control planes show on their ports: a renewed file is worth nothing
to a component that does not read it.
"""

import threading
import time
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

from tests.e2e.machines import Machines

EVERY_SECONDS = 30
# File or port, serial number, end; nothing of those that are not there.
LOOK = r"""
show() { # NAME
  openssl x509 -noout -serial -enddate -dateopt iso_8601 2>/dev/null |
    tr '\n' ' ' | sed "s|^|$1 |; s|$|\n|"
}
kubelet=/var/lib/kubelet/pki/kubelet-client-current.pem
for file in $kubelet $(find /etc/kubernetes -name '*.pem' ! -name signer.pem); do
  show $file <$file
done
[[ -d /etc/kubernetes/pki/etcd ]] || exit 0
for port in 2379 2380 6443; do
  openssl s_client -connect $(hostname):$port </dev/null 2>/dev/null | show $port
done
true
"""


class CertificateWatch:
    """Looks at the machines from its start to its end, in a thread of its own.

    `serials` are those seen of each certificate, in their order; `shortest` is how long each was
    still valid in its worst moment, `errors` are looks that failed.
    """

    def __init__(self, machines: Machines, names: list[str]) -> None:
        self._machines = machines
        self._names = names
        self.serials: dict[str, list[str]] = defaultdict(list)
        self.shortest: dict[str, timedelta] = {}
        self.errors: list[str] = []
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._look_on)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        self._ends.set()
        self._thread.join()

    def _look_on(self) -> None:
        while not self._ends.wait(EVERY_SECONDS):
            for name in self._names:
                try:
                    self._look(name)
                except Exception as error:
                    self.errors.append(f"{time.strftime('%X')} {name}: {error}")

    def _look(self, machine: str) -> None:
        for line in self._machines.run(machine, LOOK).splitlines():
            place, serial, end = line.split(maxsplit=2)
            name = f"{machine} {place}"
            if serial not in self.serials[name]:
                self.serials[name].append(serial)
            left = datetime.fromisoformat(end.strip().removeprefix("notAfter=")) - datetime.now(UTC)
            self.shortest[name] = min(left, self.shortest.get(name, left))
