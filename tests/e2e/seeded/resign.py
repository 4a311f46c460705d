"""Give a certificate on a machine another end: `python -m tests.e2e.seeded.resign FILE HOURS`."""

import sys
from datetime import timedelta
from pathlib import Path

from tests.e2e.expiry import expire

PKI = "*-control-plane-0/root/etc/kubernetes/pki"


def main(file: Path, hours: int) -> None:
    """Sign it again with the CA of its cluster, whose machines are the folders above it."""
    machine = next(each for each in file.parents if each.name == "root").parent
    (authorities,) = machine.parent.glob(PKI)
    expire(file, authorities, timedelta(hours=hours))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
