"""kms_plugin.sh: an API server is stopped only if it will have its KMS plugin again."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from model import api_server_secrets
from model.render import encryption
from model.render.node_paths import API_SERVER_SECRETS
from model.security import Kms, SecretsEncryption
from tests.e2e.kms_plugin import Keys, Plugin
from tests.node.steps.disk import Disk

FORMER = api_server_secrets.table(
    {"encryption.yaml": encryption.configuration(SecretsEncryption(), [])}
)
# The API server runs, and starts whenever it is restarted.
STAND_IN = """
await() { :; }
is_healthy() { [[ ! -e $DISK/stopped ]]; }
end_components() { echo "ended $*"; }
systemctl() { :; }
version_of() { echo v1.36.3; }
persist() { :; }
KUBERNETES_VERSION=v1.36.3
PLUGIN_SECONDS=0
"""


@pytest.fixture
def plugin(tmp_path: Path) -> Iterator[Plugin]:
    made = Plugin(Keys(), tmp_path / "kms" / "kms.sock")
    yield made
    made.stop()


def secrets(plugin: Plugin) -> str:
    known = SecretsEncryption(kms=Kms("vault", f"unix://{plugin.socket}", 3))
    return api_server_secrets.table({"encryption.yaml": encryption.configuration(known, [])})


def manifest(disk: Disk, *mounts: Path) -> None:
    folder = disk.folder / "etc/kubernetes/manifests"
    folder.mkdir(exist_ok=True)
    flag = f"    - --encryption-provider-config={disk.folder}{API_SERVER_SECRETS}/encryption.yaml\n"
    mounted = "".join(f"    - mountPath: {path}\n      name: plugin\n" for path in mounts)
    (folder / "kube-apiserver.yaml").write_text(flag + mounted)


def call(disk: Disk, function: str, script: str) -> tuple[int, str]:
    ran = disk.run(f"{STAND_IN}\n{function}", script)
    return ran.returncode, ran.stdout + ran.stderr


def apply(disk: Disk, table: str) -> tuple[int, str]:
    return call(
        disk, f"API_SERVER_SECRETS='{table}'; apply_api_server_secrets", "api_server_secrets"
    )


def text_on(disk: Disk) -> str:
    return (disk.folder / API_SERVER_SECRETS[1:] / "encryption.yaml").read_text()


def test_nothing_is_changed_without_it(disk: Disk, plugin: Plugin) -> None:
    manifest(disk, plugin.socket.parent)
    assert apply(disk, FORMER)[0] == 0
    status, said = apply(disk, secrets(plugin))
    assert (status, "ended" in said, "vault" in text_on(disk)) == (1, False, False)
    assert f"no KMS plugin (v2) answers at {plugin.socket}, without which" in said


def test_one_that_is_not_healthy_says_why(disk: Disk, plugin: Plugin) -> None:
    manifest(disk, plugin.socket.parent)
    plugin.keys.health = "the store is sealed"
    plugin.start()
    status, said = apply(disk, secrets(plugin))
    assert (status, "ended" in said) == (1, False)
    assert f"the KMS plugin at {plugin.socket} is not healthy" in said
    assert "the store is sealed" in said


def test_an_api_server_with_its_folder_is_restarted(disk: Disk, plugin: Plugin) -> None:
    manifest(disk, plugin.socket.parent)
    assert apply(disk, FORMER)[0] == 0
    plugin.start()
    status, said = apply(disk, secrets(plugin))
    assert (status, said.count("ended kube-apiserver")) == (0, 1), said
    assert not (disk.state / "former-files").exists()


def test_one_without_the_folder_is_left_to_its_manifest(disk: Disk, plugin: Plugin) -> None:
    """With the new files and the former manifest it would never be ready."""
    manifest(disk, Path("/var/run/other"))
    assert apply(disk, FORMER)[0] == 0
    former = text_on(disk)
    plugin.start()
    status, said = apply(disk, secrets(plugin))
    assert (status, "ended" in said, "vault" in text_on(disk)) == (0, False, True), said
    put_back = "put_former_files kube-apiserver"
    assert call(disk, put_back, "component_files")[0] == 0
    assert text_on(disk) == former, "as they were in use"


def test_one_that_does_not_run_gets_its_files_in_any_case(disk: Disk, plugin: Plugin) -> None:
    manifest(disk, plugin.socket.parent)
    (disk.folder / "stopped").touch()
    assert apply(disk, secrets(plugin))[0] == 0
    assert "vault" in text_on(disk)


def test_a_joining_control_plane_needs_it(disk: Disk, plugin: Plugin) -> None:
    (disk.folder / "config").write_text(f"  endpoint: unix://{plugin.socket}\n")
    require = f"require_plugin {disk.folder}/config"
    assert call(disk, require, "pki")[0] == 1
    plugin.start()
    assert call(disk, require, "pki") == (0, "")
    (disk.folder / "config").write_text("providers: []\n")
    plugin.stop()
    assert call(disk, require, "pki") == (0, "")


def test_one_that_is_being_restarted_is_waited_for(disk: Disk, plugin: Plugin) -> None:
    (disk.folder / "config").write_text(f"  endpoint: unix://{plugin.socket}\n")
    require = f"PLUGIN_SECONDS=15; require_plugin {disk.folder}/config"
    with ThreadPoolExecutor(1) as pool:
        called = pool.submit(call, disk, require, "health")
        time.sleep(1)
        plugin.start()
        assert called.result() == (0, "")
