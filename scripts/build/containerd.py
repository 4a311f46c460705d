"""The bundle's own containerd, run temporarily to import images."""

import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from model.artifacts.bundle import Artifact, Bundle
from model.files import remove
from model.machine_image import LABELS
from scripts.build.cache_entry import BuildError
from scripts.build.shell import run

START_SECONDS = 30
STOP_SECONDS = 30
# Even if this program is killed, containerd ends and its mounts are gone.
DIES_WITH_PARENT = ("unshare", "--mount", "setpriv", "--pdeathsig", "KILL")
CONFIG = """\
version = 3
root = "{root}"
state = "{state}"
disabled_plugins = ["io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime",
  "io.containerd.grpc.v1.cri", "io.containerd.nri.v1.nri"]
[grpc]
  address = "{socket}"
[ttrpc]
  address = "{socket}.ttrpc"
"""


def import_images(bundle: Bundle, images: Sequence[Artifact], root: Path) -> None:
    """Import the images into the containerd directory `root` and unpack them."""
    ctr = bundle.file(bundle.named("ctr"))
    with _running(bundle, root) as socket:
        for image in images:
            archive = bundle.file(image)
            run(
                [str(ctr), "--address", socket, "--namespace", "k8s.io",
                 "images", "import", "--local", *LABELS, str(archive)],
            )  # fmt: skip


@contextmanager
def _running(bundle: Bundle, root: Path) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        socket = f"{folder}/containerd.sock"
        config = work / "config.toml"
        config.write_text(CONFIG.format(root=root, state=work / "state", socket=socket))
        log = work / "log"
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [
                    *DIES_WITH_PARENT,
                    str(bundle.file(bundle.named("containerd"))),
                    "--config",
                    str(config),
                ],
                stdout=stream,
                stderr=subprocess.STDOUT,
            )
        try:
            _wait_until_serving(bundle, socket, process, log)
            yield socket
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
    for leftover in ("tmpmounts", "io.containerd.runtime.v2.task"):
        remove(root / leftover)


def _wait_until_serving(
    bundle: Bundle, socket: str, process: "subprocess.Popen[bytes]", log: Path
) -> None:
    deadline = time.monotonic() + START_SECONDS
    ctr = bundle.file(bundle.named("ctr"))
    while subprocess.run(
        [str(ctr), "--address", socket, "version"], capture_output=True
    ).returncode:
        if process.poll() is not None or time.monotonic() > deadline:
            raise BuildError(f"containerd did not start:\n{log.read_text()[-2000:]}")
        time.sleep(0.1)
