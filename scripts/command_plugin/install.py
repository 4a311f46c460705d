"""Installs the stand-in if the official command plugin is unreachable.

The engine prefers a plugin found in PATH. So the stand-in is a launcher beside this interpreter,
which is in PATH while a stack runs. If the official release is reachable, the launcher is removed,
and the engine installs the release by itself.
"""

import os
import platform
import sys
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path
from shlex import quote
from threading import Thread

import click

from model.files import replacing
from scripts.build import arch
from scripts.build.download import reachable
from scripts.build.progress import say
from scripts.command_plugin import STANDS_IN_FOR

LAUNCHER = Path(sys.prefix) / "bin" / "pulumi-resource-command"
CHECKOUT = Path(__file__).resolve().parents[2]
PROBE_SECONDS = 4
_ARCHIVE = (
    f"pulumi-resource-command-v{STANDS_IN_FOR}-{platform.system().lower()}-{arch.host()}.tar.gz"
)
# Addresses of the release, in the engine's order.
RELEASES = (
    f"https://github.com/pulumi/pulumi-command/releases/download/v{STANDS_IN_FOR}/{_ARCHIVE}",
    f"https://get.pulumi.com/releases/plugins/{_ARCHIVE}",
)


def launcher(checkout: Path, interpreter: Path) -> str:
    """Return the launcher's text; it leaves the environment of its child process unchanged."""
    program = (
        f"import sys; sys.path.insert(0, {str(checkout)!r}); "
        "from scripts.command_plugin.__main__ import main; main()"
    )
    return f'#!/bin/sh\nexec {quote(str(interpreter))} -I -c {quote(program)} "$@"\n'


def installed() -> bool:
    """Whether the engine already has the official release."""
    home = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    return (home / "plugins" / f"resource-command-v{STANDS_IN_FOR}").is_dir()


def any_reachable(addresses: tuple[str, ...], seconds: float) -> bool:
    """Whether any address answers in time, however long name resolution takes."""
    waiting: set[Future[bool]] = set()
    for address in addresses:
        answer: Future[bool] = Future()
        waiting.add(answer)

        def probe(address: str = address, answer: Future[bool] = answer) -> None:
            answer.set_result(reachable(address, seconds))

        Thread(target=probe, daemon=True).start()
    while waiting:
        done, waiting = wait(waiting, seconds, FIRST_COMPLETED)
        if any(answer.result() for answer in done):
            return True
        if not done:
            return False
    return False


@click.command(context_settings={"max_content_width": 100})
def main() -> None:
    """Select the command plugin for the engine: install or remove the launcher."""
    if installed() or any_reachable(RELEASES, PROBE_SECONDS):
        LAUNCHER.unlink(missing_ok=True)
        say(f"the engine uses the official command plugin v{STANDS_IN_FOR}")
        return
    with replacing(LAUNCHER) as new:
        new.write_text(launcher(CHECKOUT, Path(sys.executable)))
        new.chmod(0o755)
    say(
        f"the official command plugin v{STANDS_IN_FOR} cannot be downloaded: "
        f"a stand-in is in use ({LAUNCHER})"
    )


if __name__ == "__main__":
    main()
