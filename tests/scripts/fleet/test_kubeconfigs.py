"""Kubeconfigs of several stacks, separate and merged into the user's own."""

import stat
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml

from model.pki import certificates
from model.pki.certificates import KeyPair
from model.render import kubeconfig as rendered
from ops.errors import OperatorError
from scripts.fleet import access, home_kubeconfig, kubeconfig, status_cache
from scripts.fleet.home_kubeconfig import BACKUP, merge_into, remove_from

OWN = """\
apiVersion: v1
kind: Config
preferences: {colors: true}
clusters:
- name: mine
  cluster: {server: "https://mine", note: on, since: 2026-01-02}
users:
- name: me
  user: {token: "0123"}
contexts:
- name: cluster1-admin
  context: {cluster: mine, user: me}
current-context: cluster1-admin
"""


def exported(*clusters: str, token: str = "t") -> str:
    names = clusters or ("cluster1", "cluster2")
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": f"{names[0]}-admin",
            "clusters": [{"name": n, "cluster": {"server": f"https://{n}"}} for n in names],
            "users": [{"name": f"{n}-admin", "user": {"token": token}} for n in names],
            "contexts": [
                {"name": f"{n}-admin", "context": {"cluster": n, "user": f"{n}-admin"}}
                for n in names
            ],
        }
    )


def contexts(path: Path) -> dict[str, str]:
    """The server that each context leads to."""
    config = yaml.safe_load(path.read_text())
    servers = {each["name"]: each["cluster"]["server"] for each in config["clusters"]}
    users = {each["name"] for each in config["users"]}
    assert all(each["context"]["user"] in users for each in config["contexts"])
    return {each["name"]: servers[each["context"]["cluster"]] for each in config["contexts"]}


CA = certificates.new_authority("kubernetes", timedelta(days=30))
FINGERPRINT = certificates.fingerprint(CA.cert_pem)


def embedded(cluster: str, valid: timedelta, authority: KeyPair = CA) -> str:
    """A kubeconfig as the program renders it."""
    pair = certificates.issue_client(authority, "ann", ["group"], valid)
    context = rendered.Context(
        cluster, f"https://{cluster}", authority.cert_pem, pair.cert_pem, pair.key_pem
    )
    return rendered.render([context])


def test_certificates_are_issued_again_by_the_ca_of_their_cluster() -> None:
    text = embedded("cluster1", timedelta(hours=1))
    renewed = yaml.safe_load(kubeconfig.renewed(text, {FINGERPRINT: CA}))
    former = yaml.safe_load(text)
    assert renewed["clusters"] == former["clusters"]
    assert renewed["contexts"] == former["contexts"]
    assert renewed["users"] != former["users"]
    other = certificates.new_authority("kubernetes", timedelta(days=30))
    others = {certificates.fingerprint(other.cert_pem): other}
    assert yaml.safe_load(kubeconfig.renewed(text, others)) == former
    without = exported("cluster1")
    assert yaml.safe_load(kubeconfig.renewed(without, {FINGERPRINT: CA})) == yaml.safe_load(without)


def test_files_are_written_again_before_their_certificates_expire(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = embedded("cluster1", timedelta(days=2))
    monkeypatch.setattr(access, "existing_engine", lambda stack: stack)
    monkeypatch.setattr(access, "fresh_kubeconfig", lambda _: fresh)
    folder = access.FOLDER
    kubeconfig.write_each(folder, embedded("cluster1", timedelta(days=1)), "dev")
    (file,) = access.cluster_kubeconfigs("dev")
    assert yaml.safe_load(file.read_text())["users"] != yaml.safe_load(fresh)["users"]

    kubeconfig.write_each(folder, embedded("cluster1", timedelta(0)), "dev")
    assert kubeconfig.is_due(file.read_text())
    assert access.cluster_kubeconfigs("dev") == [file]
    assert yaml.safe_load(file.read_text())["users"] == yaml.safe_load(fresh)["users"]


def test_files_that_are_still_valid_are_used_while_the_state_cannot_be_read(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(_stack: str) -> None:
        raise OperatorError("the backend is unavailable")

    monkeypatch.setattr(access, "existing_engine", unreadable)
    monkeypatch.setattr(certificates, "is_due", lambda _: True)
    kubeconfig.write_each(access.FOLDER, embedded("cluster1", timedelta(hours=1)), "dev")
    assert [file.name for file in access.cluster_kubeconfigs("dev")] == ["cluster1"]
    kubeconfig.write_each(access.FOLDER, embedded("cluster1", timedelta(0)), "dev")
    with pytest.raises(OperatorError, match="the backend is unavailable"):
        access.cluster_kubeconfigs("dev")


def test_the_user_is_told_until_when_it_works_and_what_to_run_then(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(access, "show_nodes", lambda _: [])
    texts = [embedded("one", timedelta(hours=2)), embedded("two", timedelta(hours=1))]
    soonest = kubeconfig.expiry(texts[1])
    assert soonest
    access.show_access([_written(checkout / str(n), text) for n, text in enumerate(texts)])
    until = f"{soonest:%Y-%m-%d %H:%M} UTC"
    assert (
        f"To use them until {until} (then run `fleet kubeconfig` again):" in capsys.readouterr().out
    )
    access.show_access([_written(checkout / "token", exported())])
    assert "To use them:" in capsys.readouterr().out


def _written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(access, "KUBECONFIG", tmp_path / "kubeconfig")
    monkeypatch.setattr(access, "FOLDER", tmp_path / "kubeconfigs")
    return tmp_path


def test_the_kubeconfig_of_another_stack_is_kept_and_both_are_usable(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert access.write(exported(), "dev") == [checkout / "kubeconfig"]
    used = access.write(exported("cluster1"), "prod")
    assert used == [checkout / "kubeconfigs/prod/cluster1"]
    said = capsys.readouterr().err
    assert f"{checkout}/kubeconfig belongs to the stack dev and was not changed" in said
    assert "fleet kubeconfig --stack prod --replace" in said
    assert kubeconfig.owner(checkout / "kubeconfig") == "dev"
    files = sorted(path for path in (checkout / "kubeconfigs").glob("*/*"))
    assert [str(path.relative_to(checkout / "kubeconfigs")) for path in files] == [
        *("dev/cluster1", "dev/cluster2", "prod/cluster1"),
    ]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert contexts(files[1]) == {"cluster2-admin": "https://cluster2"}
    assert yaml.safe_load(files[1].read_text())["current-context"] == "cluster2-admin"


def test_a_foreign_file_is_kept_unless_replace_is_given(checkout: Path) -> None:
    (checkout / "kubeconfig").write_text(OWN)
    access.write(exported(), "dev")
    assert (checkout / "kubeconfig").read_text() == OWN
    assert access.write(exported(), "dev", replace=True) == [checkout / "kubeconfig"]
    assert kubeconfig.owner(checkout / "kubeconfig") == "dev"


def test_the_file_of_a_removed_cluster_is_removed(checkout: Path) -> None:
    access.write(exported(), "dev")
    access.write(exported("cluster2"), "dev")
    assert [path.name for path in (checkout / "kubeconfigs/dev").iterdir()] == ["cluster2"]
    access.write(exported("cluster1"), "prod")
    assert access.remove("dev") == [checkout / "kubeconfig", checkout / "kubeconfigs/dev/cluster2"]
    assert access.remove("prod") == [checkout / "kubeconfigs/prod/cluster1"]
    assert list(checkout.iterdir()) == []


def test_kubeconfigs_of_people_go_with_their_stack_and_other_files_stay(checkout: Path) -> None:
    access.write(exported(), "dev")
    for name, stack in (("alice", "dev"), ("bob", "dev"), ("carol", "prod")):
        kubeconfig.write(checkout / f"kubeconfig-{name}", exported(), stack)
    (checkout / "kubeconfig-mine").write_text(OWN)
    (checkout / "kubeconfig-folder").mkdir()
    removed = access.remove("dev")
    assert {path.name for path in removed} >= {"kubeconfig", "kubeconfig-alice", "kubeconfig-bob"}
    left = {path.name for path in checkout.iterdir()}
    assert left == {"kubeconfig-carol", "kubeconfig-mine", "kubeconfig-folder"}


def test_the_last_status_goes_with_its_stack(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBEADM_FLEET_STATE", str(tmp_path / "state"))
    for stack in ("dev", "prod"):
        cache = status_cache.of_stack(stack)
        cache.put("last", stack)
        cache.save()
    access.remove("dev")
    access.remove("dev")
    assert status_cache.of_stack("dev").get("last") is None
    assert status_cache.of_stack("prod").get("last") == "prod"


def test_one_cluster_is_selected() -> None:
    config = yaml.safe_load(kubeconfig.select(exported(), ["cluster2"]))
    assert config["current-context"] == "cluster2-admin"
    assert [len(config[key]) for key in ("clusters", "users", "contexts")] == [1, 1, 1]


def test_merging_keeps_foreign_entries_and_avoids_name_conflicts(
    tmp_path: Path,
) -> None:
    path = tmp_path / "config"
    path.write_text(OWN)
    assert merge_into(path, exported(), "dev") == ["dev-cluster1-admin", "cluster2-admin"]
    assert contexts(path) == {
        "cluster1-admin": "https://mine",
        "dev-cluster1-admin": "https://cluster1",
        "cluster2-admin": "https://cluster2",
    }
    text = path.read_text()
    assert "note: on" in text
    assert "since: 2026-01-02" in text
    assert "colors: true" in text
    assert yaml.safe_load(text)["current-context"] == "cluster1-admin"
    assert (tmp_path / f"config{BACKUP}").read_text() == OWN
    assert {stat.S_IMODE(each.stat().st_mode) for each in tmp_path.iterdir() if each != path} == {
        0o600
    }
    assert not (tmp_path / "config.lock").exists()


def test_merging_again_replaces_ours_and_changes_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(OWN)
    merge_into(path, exported(), "dev")
    once = path.read_text()
    merge_into(path, exported(), "dev")
    assert path.read_text() == once
    merge_into(path, exported("cluster2", token="new"), "dev")
    assert contexts(path) == {
        "cluster1-admin": "https://mine",
        "cluster2-admin": "https://cluster2",
    }
    assert "token: new" in path.read_text()


def test_two_stacks_with_a_cluster_of_the_same_name_are_merged_side_by_side(tmp_path: Path) -> None:
    path = tmp_path / "config"
    assert merge_into(path, exported("cluster1"), "dev") == ["cluster1-admin"]
    assert merge_into(path, exported("cluster1"), "prod") == ["prod-cluster1-admin"]
    assert set(contexts(path)) == {"cluster1-admin", "prod-cluster1-admin"}
    assert remove_from(path, "dev")
    assert set(contexts(path)) == {"prod-cluster1-admin"}
    assert yaml.safe_load(path.read_text())["current-context"] == ""
    assert not remove_from(path, "dev")


def test_a_symbolic_link_is_preserved(tmp_path: Path) -> None:
    real = tmp_path / "dotfiles"
    real.write_text(OWN)
    link = tmp_path / "config"
    link.symlink_to(real)
    merge_into(link, exported(), "dev")
    assert link.is_symlink()
    assert "cluster2-admin" in real.read_text()


@pytest.mark.parametrize("content", ["- a list\n", "{", "just text"])
def test_an_invalid_kubeconfig_is_not_changed(tmp_path: Path, content: str) -> None:
    path = tmp_path / "config"
    path.write_text(content)
    with pytest.raises(OperatorError, match="nothing was changed"):
        merge_into(path, exported(), "dev")
    assert not remove_from(path, "dev")
    assert path.read_text() == content


def test_a_lock_of_kubectl_is_waited_for_and_then_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(home_kubeconfig, "LOCK_SECONDS", 0.3)
    path = tmp_path / "config"
    (tmp_path / "config.lock").touch()
    with pytest.raises(OperatorError, match=r"config\.lock exists"):
        merge_into(path, exported(), "dev")
    assert not path.exists()


def test_concurrent_merges_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "config"
    merge_into(path, OWN, "mine")
    stacks = [f"s{number}" for number in range(5)]
    runs = [Thread(target=merge_into, args=(path, exported("c"), stack)) for stack in stacks]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert len(contexts(path)) == 1 + len(stacks)


def test_a_missing_kubeconfig_is_created(tmp_path: Path) -> None:
    path = tmp_path / ".kube" / "config"
    merge_into(path, exported(), "dev")
    config: dict[str, Any] = yaml.safe_load(path.read_text())
    assert config["current-context"] == "cluster1-admin"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
