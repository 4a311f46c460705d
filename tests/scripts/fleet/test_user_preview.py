"""`make preview` by a user without root, with only a clone and a home folder."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from model.paths import toolchain_dir
from tests.scripts.conftest import copy_checkout
from tests.scripts.throwaway import PROGRAM, SLOW

NOBODY = 65534


@pytest.mark.root
@pytest.mark.slow
def test_a_user_without_root_sees_the_plan(public_folder: Path) -> None:
    checkout = copy_checkout(public_folder / "clone")
    (checkout / "__main__.py").write_text(PROGRAM)
    (checkout / "slow.py").write_text(SLOW)
    home = public_folder / "home"
    home.mkdir()
    for path in (public_folder, *public_folder.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    # The machine's tool chain, which this user may read and not write.
    cache = public_folder / "cache"
    toolchain = toolchain_dir().parent
    shutil.copytree(toolchain, cache / "toolchain" / toolchain.name)

    drop = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--")
    kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_"))}
    run = subprocess.run(
        [*drop, "make", "preview"],
        cwd=checkout,
        env={
            **kept,
            "HOME": str(home),
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "KUBEADM_FLEET_CACHE": str(cache),
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout
    assert "dev: +1 ~0 -0" in run.stdout
    assert not (home / ".local/state/kubeadm-fleet/passphrase").exists()
