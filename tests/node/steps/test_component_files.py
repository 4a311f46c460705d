"""scripts/node/component_files.sh: components restart with changed files, or keep previous ones."""

from pathlib import Path

import pytest

from model import api_server_secrets
from model.render.machine_files import COMPONENTS, ManagedFile, table
from model.render.node_paths import API_SERVER_FOLDER, API_SERVER_SECRETS, AUDIT_FOLDER, STATE
from tests.node.steps.disk import Disk

POLICY = f"{API_SERVER_FOLDER}/audit-policy.yaml"
PROFILES = f"{STATE}/scheduler/files/profiles.yaml"
# A component's restart ends when it accepts its files; the machine has the wanted version.
STAND_IN = """
await() { shift 2; "$@"; }
unless_crashing() { shift 2; "$@"; }
is_healthy() { ! grep -rq broken "$(component_folder "$1")"; }
api_is_ready() { is_healthy kube-apiserver; }
end_components() { echo "ended $*"; }
systemctl() { :; }
version_of() { echo v1.36.3; }
persist() { :; }
KUBERNETES_VERSION=v1.36.3
NODE_ADDRESS=10.0.0.1
"""


def manifest(disk: Disk, component: str, *paths: str) -> None:
    folder = disk.folder / "etc/kubernetes/manifests"
    folder.mkdir(exist_ok=True)
    text = "".join(f"    - --some-file={disk.folder}{path}\n" for path in paths)
    (folder / f"{component}.yaml").write_text(text)


def apply(disk: Disk, *files: tuple[str, str], more: str = "") -> tuple[int, list[str], str]:
    """Apply the part; return the exit status, what was ended, and everything that was said."""
    managed = [ManagedFile(path, COMPONENTS, f"{text}\n", 0o600) for path, text in files]
    lines = table(disk.moved(managed))
    call = f"{STAND_IN}{more}\nFILES='{lines}' PARTS={COMPONENTS}; apply_files"
    ran = disk.run(call, "apply")
    said = ran.stdout + ran.stderr
    ended = [line.removeprefix("ended ") for line in said.splitlines() if "ended " in line]
    return ran.returncode, ended, said


def text_of(disk: Disk, path: str) -> str:
    return (disk.folder / path[1:]).read_text()


def test_files_of_a_machine_that_is_no_member_yet_restart_nothing(disk: Disk) -> None:
    assert apply(disk, (POLICY, "one"))[:2] == (0, [])
    folder = disk.folder / AUDIT_FOLDER[1:]
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (disk.folder / POLICY[1:]).stat().st_mode & 0o777 == 0o600


def test_a_component_restarts_for_its_own_changed_files_alone(disk: Disk) -> None:
    manifest(disk, "kube-apiserver", POLICY)
    manifest(disk, "kube-scheduler", PROFILES)
    assert apply(disk, (POLICY, "one"), (PROFILES, "one"))[:2] == (
        0,
        ["kube-scheduler kube-apiserver"],
    )
    assert apply(disk, (POLICY, "one"), (PROFILES, "one"))[1] == [], "nothing changed"
    assert apply(disk, (POLICY, "one"), (PROFILES, "two"))[1] == ["kube-scheduler"]
    assert apply(disk, (POLICY, "two"), (PROFILES, "two"))[1] == ["kube-apiserver"]


def test_files_that_are_not_used_yet_or_no_longer_there_restart_nothing(disk: Disk) -> None:
    """Its manifest, which the rollout replaces next, restarts it."""
    manifest(disk, "kube-apiserver", POLICY)
    apply(disk, (POLICY, "one"))
    added = f"{API_SERVER_FOLDER}/files/tracing.yaml"
    assert apply(disk, (POLICY, "one"), (added, "one"))[:2] == (0, [])
    manifest(disk, "kube-apiserver", POLICY, added)
    assert apply(disk, (POLICY, "one"))[:2] == (0, [])
    assert not (disk.folder / added[1:]).exists()


def test_an_upgrade_restarts_it_with_changed_files(disk: Disk) -> None:
    manifest(disk, "kube-apiserver", POLICY)
    apply(disk, (POLICY, "one"))
    other = "version_of() { echo v1.36.2; }"
    assert apply(disk, (POLICY, "two"), more=other)[:2] == (0, [])
    assert text_of(disk, POLICY) == "two\n"


def test_a_component_that_does_not_start_gets_the_former_files_back(disk: Disk) -> None:
    manifest(disk, "kube-apiserver", POLICY)
    apply(disk, (POLICY, "one"))
    status, ended, said = apply(disk, (POLICY, "broken"))
    assert (status, ended) == (1, ["kube-apiserver"] * 2)
    assert "the previous ones are in use again" in said
    assert text_of(disk, POLICY) == "one\n"
    assert COMPONENTS in (disk.state / "managed.pending").read_text(), "the next run tries again"
    assert apply(disk, (POLICY, "two"))[:2] == (0, ["kube-apiserver"])
    assert text_of(disk, POLICY) == "two\n"


def test_a_killed_change_is_put_to_use_by_the_next_run(disk: Disk) -> None:
    manifest(disk, "kube-apiserver", POLICY)
    apply(disk, (POLICY, "one"))
    killed = "use_authentication() { exit 7; }"
    assert apply(disk, (POLICY, "broken"), more=killed)[0] == 7
    assert text_of(disk, POLICY) == "broken\n"
    assert apply(disk, (POLICY, "broken"))[0] == 1
    assert text_of(disk, POLICY) == "one\n", "what was in use before the killed run"


SECRETS = api_server_secrets.table({"encryption.yaml": "a key", "audit-webhook.yaml": "a token"})


def apply_secrets(disk: Disk, secrets: str) -> tuple[int, list[str]]:
    call = f"{STAND_IN}\nAPI_SERVER_SECRETS='{secrets}'; apply_api_server_secrets"
    ran = disk.run(call, "api_server_secrets")
    assert "a key" not in ran.stdout + ran.stderr
    return ran.returncode, [line for line in ran.stdout.splitlines() if line.startswith("ended")]


def digest_on(disk: Disk) -> str:
    return disk.run("api_server_secrets_digest", "node_facts").stdout.strip()


def test_secret_files_are_for_root_alone_and_have_the_desired_digest(disk: Disk) -> None:
    assert digest_on(disk) == "missing"
    assert apply_secrets(disk, SECRETS) == (0, [])
    folder: Path = disk.folder / API_SERVER_SECRETS[1:]
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {file.name: file.stat().st_mode & 0o777 for file in folder.iterdir()} == {
        "encryption.yaml": 0o600,
        "audit-webhook.yaml": 0o600,
    }
    assert (folder / "encryption.yaml").read_text() == "a key\n"
    assert digest_on(disk) == api_server_secrets.digest(SECRETS)


def test_a_changed_mode_or_content_is_drift(disk: Disk) -> None:
    apply_secrets(disk, SECRETS)
    file = disk.folder / API_SERVER_SECRETS[1:] / "encryption.yaml"
    file.chmod(0o644)
    assert digest_on(disk) != api_server_secrets.digest(SECRETS)
    apply_secrets(disk, SECRETS)
    assert digest_on(disk) == api_server_secrets.digest(SECRETS)
    file.write_text("another key\n")
    assert digest_on(disk) != api_server_secrets.digest(SECRETS)


@pytest.mark.parametrize("gone", ["audit-webhook.yaml", "encryption.yaml"])
def test_an_api_server_restarts_for_a_changed_file_and_not_for_a_removed_one(
    disk: Disk, gone: str
) -> None:
    paths = (f"{API_SERVER_SECRETS}/{name}" for name in ("encryption.yaml", "audit-webhook.yaml"))
    manifest(disk, "kube-apiserver", *paths)
    apply_secrets(disk, SECRETS)
    other = api_server_secrets.table({"encryption.yaml": "other", "audit-webhook.yaml": "other"})
    assert apply_secrets(disk, other) == (0, ["ended kube-apiserver"])
    left = {"encryption.yaml": "other", "audit-webhook.yaml": "other"}
    left.pop(gone)
    assert apply_secrets(disk, api_server_secrets.table(left)) == (0, [])
    assert not (disk.folder / API_SERVER_SECRETS[1:] / gone).exists()
