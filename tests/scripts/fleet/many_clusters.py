"""Commands about many clusters that stand-ins play, with what they take in time and memory."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.scripts.conftest import TOP

NODES, PODS, PLANES = 50, 500, 3
# Not `getrusage`: its peak is also that of the process that forked this one, before the exec.
PROGRAM = """
import re, sys
from pathlib import Path
from scripts.fleet.__main__ import main
try: main()
finally:
    status = Path("/proc/self/status").read_text()
    print(re.search(r"VmHWM:\\s+(\\d+) kB", status)[1], file=sys.stderr)
"""


@contextmanager
def serving(*numbers: int) -> Iterator[str]:
    """Serve clusters until the block ends; yield the address; `numbers` as for `fleet_of_apis`."""
    module = [sys.executable, "-m", "tests.scripts.fleet.fleet_of_apis"]
    command = [*module, *map(str, numbers)]
    with subprocess.Popen(command, cwd=TOP, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        base = f"http://127.0.0.1:{int(server.stdout.readline())}"
        yield base
        server.kill()


def document(base: str, size: int, failing: int) -> dict[str, Any]:
    """Return a kubeconfig of so many clusters, of which `failing` hang and as many refuse."""
    servers = {f"hang-{index}": f"{base}/hang-{index}" for index in range(failing)}
    servers |= {f"refuse-{index}": "http://127.0.0.1:1" for index in range(failing)}
    good = size - 2 * failing
    servers |= {f"good-{index}": f"{base}/good-{index}" for index in range(good)}
    return {
        "clusters": [{"name": name, "cluster": {"server": url}} for name, url in servers.items()],
        "users": [{"name": "user", "user": {"token": "t"}}],
        "contexts": [
            {"name": name, "context": {"cluster": name, "user": "user"}} for name in servers
        ],
    }


def timed(folder: Path, *words: str) -> tuple[float, subprocess.CompletedProcess[str]]:
    """Run a command; return its seconds, and how it ended: its peak in KiB is its last word."""
    begin = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words],
        cwd=TOP,
        env={**os.environ, "KUBEADM_FLEET_STATE": str(folder / "state")},
        capture_output=True,
        text=True,
        check=False,
    )
    return time.monotonic() - begin, ended
