"""The command behind `make prove`."""

import os
import signal
import sys
import tempfile
from pathlib import Path

import click

from model import paths
from scripts.build.cache_entry import BuildError
from scripts.prove import machine
from scripts.prove.root import make_root

FOLDER = Path("/var/tmp")  # noqa: S108 # a disk, not memory
# As the README has them; after `make up`, what it tells its reader to type, and nothing may be left
# of the machines after `make down`.
STEPS = {
    "up": """
make up | tee /run/up
eval "$(grep -E '^  (export|kubectl) ' /run/up)"
""",
    "down": """
make down
left=$(ip netns list; ip -o link show type bridge)
[[ -z $left ]] || { echo "left behind: $left" >&2; exit 1; }
""",
    "test": "make test",
    "unit": "make test-unit",
}
ALL = ("up", "down", "test")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--cache", is_flag=True, help="Share this host's cache, build nothing.")
@click.argument("steps", nargs=-1, type=click.Choice(list(STEPS)))
def main(cache: bool, steps: tuple[str, ...]) -> None:
    """Run the README's commands on a fresh machine: up, down and test if none is named.

    The machine is a root of this host's release in namespaces of its own, with nothing added but
    git and make. The commit that is checked out is cloned into it. $ARGS goes to pytest.
    """
    if os.geteuid() != 0:
        raise click.ClickException(
            "creating a fresh machine requires root: run the command with sudo"
        )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    folder = Path(tempfile.mkdtemp(prefix="kubeadm-fleet-prove-", dir=FOLDER))
    try:
        checkout = make_root(folder)
        shared = paths.cache_dir() if cache else None
        script = "\n".join(
            [f"cd {checkout}", *(f"echo '==> {step}'\n{STEPS[step]}" for step in steps or ALL)]
        )
        sys.exit(machine.run(folder, script, shared))
    except BuildError as error:
        raise click.ClickException(str(error)) from None
    finally:
        machine.remove(folder)


if __name__ == "__main__":
    main()
