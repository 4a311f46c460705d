"""The root file system of a fresh machine: a minimal root of this host's release with a clone."""

from pathlib import Path

from scripts.build import debian
from scripts.build.progress import task
from scripts.build.shell import DIES_WITH_PARENT, run
from scripts.prove import registries

TOP = Path(__file__).resolve().parents[2]
# All that the README presupposes, and whom to trust when something is fetched.
PACKAGES = ("apt", "git", "make", "ca-certificates")
CHECKOUT = "/srv/kubeadm-fleet"
# The network (slirp4netns(1)) answers there for whomever this host itself asks for names.
NAME_SERVER = "10.0.2.3"
# All of its processes end when it is ended.
TOGETHER = (*DIES_WITH_PARENT, "unshare", "--pid", "--fork", "--kill-child", "--mount-proc")


def make_root(folder: Path) -> str:
    """Fill the empty folder; return where the clone is in it."""
    with task(f"a fresh {debian.codename()} with {', '.join(PACKAGES)}"):
        debian.make_root(
            folder, PACKAGES, variant="minbase", options=registries.apt_options(), inside=TOGETHER
        )
        registries.trust_as_here(folder)
    (folder / "etc/resolv.conf").unlink(missing_ok=True)
    (folder / "etc/resolv.conf").write_text(f"nameserver {NAME_SERVER}\n")
    (folder / "etc/hostname").write_text("fresh\n")
    (folder / "etc/hosts").write_text("127.0.0.1 localhost fresh\n")
    run(["git", "clone", "--quiet", "--no-hardlinks", str(TOP), f"{folder}{CHECKOUT}"])
    return CHECKOUT
