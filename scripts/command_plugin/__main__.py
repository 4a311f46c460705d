"""The plugin's process: started by the engine with its address, ended when the engine is gone."""

import os
import signal
import sys
import threading
from types import FrameType

from scripts.command_plugin import NOTICE, STANDS_IN_FOR, VERSION

USAGE = f"""usage: pulumi-resource-command ENGINE_ADDRESS

{NOTICE[:1].upper()}{NOTICE[1:]}.

Pulumi's engine starts it by itself. It prints the port on which it serves the resources
command:remote:Command, command:remote:CopyToRemote and command:local:Command
as v{STANDS_IN_FOR} does.
"""
# Interval for checking whether the engine is still running.
ENGINE_CHECK_SECONDS = 1.0
# Time limit for ending remote commands.
SHUTDOWN_SECONDS = 5.0


def main() -> None:
    """Serve until terminated, or until the engine is gone."""
    if "--version" in sys.argv:
        sys.stdout.write(f"{VERSION}\n")
        return
    if "--help" in sys.argv or "-h" in sys.argv:
        sys.stdout.write(USAGE)
        return
    addresses = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    if len(addresses) != 1:
        sys.exit(USAGE)
    _serve(addresses[0])


def _serve(engine_address: str) -> None:
    from scripts.command_plugin.plugin_log import PluginLog
    from scripts.command_plugin.provider import CommandProvider
    from scripts.command_plugin.server import Server

    stop_requested = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stop_requested.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    engine = os.getppid()
    provider = CommandProvider(PluginLog(engine_address))
    server = Server(provider)
    server.start()
    sys.stdout.write(f"{server.port}\n")
    sys.stdout.flush()
    while not stop_requested.wait(ENGINE_CHECK_SECONDS) and os.getppid() == engine:
        pass
    provider.end(SHUTDOWN_SECONDS)
    # Threads that wait for hosts are not joined.
    os._exit(0)


if __name__ == "__main__":
    main()
