"""Files written by fleet: atomic, private, and merged without loss."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
import yaml

from ops.private_file import create_once, rewrite, write_private
from ops.pulumi.stack_file import StackFileError, merge, refresh
from ops.pulumi.workspace import Workspace
from scripts.fleet import kubeconfig
from scripts.fleet.nodes import age

TRACKED = """\
config:
  kubeadm-fleet:fleet:
    kubernetesVersion: 1.36.3
    clusters:
      cluster1: {labels: {switch: on, code: "010", note: 'yes'}}
"""
SECRET = """\
  kubeadm-fleet:sshPrivateKey:
    secure: v1:mine
"""
SALT = "encryptionsalt: v1:my-salt\n"


def test_concurrent_writers_leave_one_complete_file(tmp_path: Path) -> None:
    path = tmp_path / "passphrase"
    contents = [str(number) * 10_000 for number in range(10)]

    def write_and_read(content: str) -> str:
        create_once(path, content)
        return path.read_text()

    with ThreadPoolExecutor(len(contents)) as pool:
        seen = set(pool.map(write_and_read, contents))
    assert len(seen) == 1
    assert seen < set(contents)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_replaced_file_becomes_private(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, "new")
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.root
def test_files_written_by_root_belong_to_the_owner_of_the_checkout(tmp_path: Path) -> None:
    os.chown(tmp_path, 65534, 65534)
    write_private(tmp_path / "kubeconfig", "content")
    written = (tmp_path / "kubeconfig").stat()
    assert (written.st_uid, written.st_gid) == (65534, 65534)
    assert stat.S_IMODE(written.st_mode) == 0o600


@pytest.mark.root
def test_files_of_clusters_belong_to_the_owner_of_the_checkout(tmp_path: Path) -> None:
    os.chown(tmp_path, 65534, 65534)
    text = "{current-context: a, clusters: [{name: a}], users: [{name: a}], contexts: [CONTEXT]}"
    context = "{name: a, context: {cluster: a, user: a}}"
    kubeconfig.write_each(tmp_path / "kubeconfigs", text.replace("CONTEXT", context), "dev")
    written = list(tmp_path.rglob("*"))
    assert [path.name for path in written] == ["kubeconfigs", "dev", "a"]
    assert {(path.stat().st_uid, path.stat().st_gid) for path in written} == {(65534, 65534)}


def test_merging_keeps_the_tracked_file_verbatim() -> None:
    assert merge(TRACKED, "", keep_tracked_secrets=False) == TRACKED


def test_merging_keeps_only_the_salt_and_secrets_of_the_user() -> None:
    copy = TRACKED.replace("1.36.3", "1.35.4") + "  kubeadm-fleet:colour: green\n" + SECRET + SALT
    merged = merge(TRACKED, copy, keep_tracked_secrets=False)
    assert merged == TRACKED + SECRET + SALT
    assert merge(TRACKED, merged, keep_tracked_secrets=False) == merged


def test_secrets_of_another_passphrase_are_dropped() -> None:
    theirs = TRACKED + SECRET.replace("mine", "theirs") + "encryptionsalt: v1:their-salt\n"
    assert merge(theirs, "", keep_tracked_secrets=False) == TRACKED
    assert merge(theirs, TRACKED + SECRET + SALT, keep_tracked_secrets=False) == (
        TRACKED + SECRET + SALT
    )


def test_tracked_secrets_are_used_with_an_external_passphrase() -> None:
    theirs = TRACKED + SECRET.replace("mine", "theirs") + SALT
    assert merge(theirs, "", keep_tracked_secrets=True) == theirs
    # Set beside it with the same salt, the user's own value wins; with another, it is unreadable.
    assert merge(theirs, TRACKED + SECRET + SALT, keep_tracked_secrets=True) == (
        TRACKED + SECRET + SALT
    )
    old = TRACKED + SECRET + "encryptionsalt: v1:old-salt\n"
    assert merge(theirs, old, keep_tracked_secrets=True) == theirs


def test_a_stack_file_without_config_gets_the_secrets() -> None:
    assert merge("", f"config:\n{SECRET}{SALT}", keep_tracked_secrets=False) == (
        f"config:\n{SECRET}{SALT}"
    )


def test_a_stack_file_that_is_not_a_mapping_is_rejected() -> None:
    with pytest.raises(StackFileError, match="must be a mapping"):
        merge("- config", "", keep_tracked_secrets=False)


def test_the_stack_of_a_kubeconfig_survives_a_rewrite(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    kubeconfig.write(path, "current-context: cluster1-admin\n", "dev")
    config = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump(config | {"current-context": "cluster2-admin"}))
    assert kubeconfig.owner(path) == "dev"


@pytest.mark.parametrize("content", ["", "current-context: mine", "extensions: 1", "{", "- a"])
def test_a_foreign_kubeconfig_is_never_removed(tmp_path: Path, content: str) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(content)
    assert not kubeconfig.remove(path, "dev")
    assert path.exists()


def test_only_the_stacks_own_kubeconfig_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    assert not kubeconfig.remove(path, "dev")
    kubeconfig.write(path, "current-context: cluster1-admin\n", "prod")
    assert not kubeconfig.remove(path, "dev")
    assert kubeconfig.remove(path, "prod")
    assert not path.exists()


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "0s"), (59.9, "59s"), (60, "1m"), (61, "1m1s"), (3600, "1h"), (90061, "1d1h")],
)
def test_ages_have_the_format_of_kubectl(seconds: float, expected: str) -> None:
    assert age(seconds) == expected


def test_no_run_begins_with_a_stack_file_that_is_not_read_as_it_is_written(tmp_path: Path) -> None:
    tracked, copy = tmp_path / "Pulumi.dev.yaml", tmp_path / "copy.yaml"
    tracked.write_text("config: {kubeadm-fleet:fleet: {hosts: {010: {}}}}\n")
    workspace = SimpleNamespace(tracked_config=tracked, config_file=copy)
    with pytest.raises(StackFileError, match="010 is read as a number: quote it"):
        refresh(cast(Workspace, workspace))
    assert not copy.exists()


def test_a_link_to_a_file_of_a_person_stays_one(tmp_path: Path) -> None:
    file, link = tmp_path / "shared" / "Pulumi.dev.yaml", tmp_path / "Pulumi.dev.yaml"
    file.parent.mkdir()
    file.write_text("former")
    file.chmod(0o640)
    link.symlink_to(file)
    rewrite(link, "new")
    assert link.is_symlink()
    assert file.read_text() == "new"
    assert file.stat().st_mode & 0o777 == 0o640
