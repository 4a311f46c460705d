"""A machine's identity: name, keys and network address."""

from pathlib import Path

from model.ssh_keys import new_key_pair
from ops.nspawn.spec import MachineSpec


def write(spec: MachineSpec, root: Path) -> str:
    """Write the machine's identity to its disk; return its new public host key."""
    pair = new_key_pair(spec.hostname)
    hosts = f"127.0.0.1 localhost\n::1 localhost\n{spec.bare_address} {spec.hostname}\n"
    _write(root / "etc/hostname", f"{spec.hostname}\n")
    _write(root / "etc/hosts", hosts)
    _write(root / "etc/resolv.conf", f"nameserver {spec.gateway}\n")
    _write(root / "etc/machine-id", f"{spec.machine_id}\n")
    _write(root / "root/.ssh/authorized_keys", f"{spec.authorized_key}\n", 0o600)
    _write(root / "etc/ssh/ssh_host_ed25519_key", pair.private_openssh, 0o600)
    _write(root / "etc/ssh/ssh_host_ed25519_key.pub", f"{pair.public}\n")
    return " ".join(pair.public.split()[:2])


def _write(path: Path, text: str, mode: int = 0o644) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.touch(mode=mode)
    path.write_text(text)
