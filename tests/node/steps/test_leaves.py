"""scripts/node/leaves.sh: the certificates of a control plane, with the real kubeadm."""

import base64
import os
import re
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from tests.node.steps.certificates import CLUSTER, issue, lay_foundation, preamble, run, shown
from tests.node.steps.disk import Disk

PEMS = {
    "etcd-server": "pki/etcd/server.pem",
    "etcd-peer": "pki/etcd/peer.pem",
    "apiserver": "pki/apiserver.pem",
    "apiserver-etcd-client": "pki/apiserver-etcd-client.pem",
    "apiserver-kubelet-client": "pki/apiserver-kubelet-client.pem",
    "front-proxy-client": "pki/front-proxy-client.pem",
    "controller-manager.conf": "pki/controller-manager.pem",
    "scheduler.conf": "scheduler/client.pem",
}
HOUR = 3600
ALL = (*PEMS, "etcd-healthcheck-client", "admin.conf")


@pytest.fixture
def folder(disk: Disk) -> Path:
    """/etc/kubernetes of a control plane before its components start."""
    lay_foundation(disk)
    issue(disk)
    return disk.folder / "etc/kubernetes"


def public_keys(pem: Path) -> set[str]:
    """Return the public keys of a certificate and of a private key in the file: one, of a pair."""
    commands = (["x509", "-noout", "-pubkey"], ["pkey", "-pubout"])
    return {
        subprocess.run(
            ["openssl", *command, "-in", str(pem)], capture_output=True, text=True, check=True
        ).stdout
        for command in commands
    }


def content(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_readers_have_certificate_and_key_in_one_file(folder: Path) -> None:
    for name in PEMS.values():
        pem = folder / name
        assert len(public_keys(pem)) == 1
        assert pem.stat().st_mode & 0o777 == 0o600
        own = pem.with_suffix(".crt")
        if own.exists():
            assert shown(own, "-fingerprint") == shown(pem, "-fingerprint")
            assert not own.is_symlink()
    subjects = {path.stem: shown(path, "-subject") for path in folder.rglob("*.pem")}
    assert subjects["controller-manager"] == "subject=CN = system:kube-controller-manager"
    assert subjects["client"] == "subject=CN = system:kube-scheduler"


def test_kubeconfigs_name_files_in_mounted_directories(disk: Disk, folder: Path) -> None:
    for name, pki in (("controller-manager", "pki"), ("scheduler", "scheduler")):
        document = yaml.safe_load((folder / f"{name}.conf").read_text())
        pem = f"{folder}/{PEMS[f'{name}.conf']}"
        (user,) = document["users"]
        assert user["user"] == {"client-certificate": pem, "client-key": pem}
        (entry,) = document["clusters"]
        assert entry["cluster"]["certificate-authority"] == f"{folder}/{pki}/ca.crt"
    authorities = {(folder / name / "ca.crt").read_text() for name in ("pki", "scheduler")}
    assert len(authorities) == 1
    before = content(folder)
    issue(disk)
    same = {path.name for path, text in content(folder).items() if before[path] == text}
    assert {"controller-manager.conf", "scheduler.conf"} <= same, "their mounts never change"


def test_no_more_is_issued_than_the_components_need(disk: Disk, folder: Path) -> None:
    assert not list(folder.rglob("super-admin*"))
    assert not list(folder.rglob("*.new"))
    assert set(run(disk, 'printf "%s\\n" "${LEAVES[@]}"').split()) == set(ALL)


def test_a_renewed_certificate_has_the_same_names(disk: Disk, folder: Path) -> None:
    before, names = content(folder), facts(disk, *ALL)
    paths = run(disk, f"for name in {' '.join(ALL)}; do leaf_path $name; done").split()
    for name, path in zip(ALL, map(Path, paths), strict=True):
        run(disk, f"renew_leaf {name}")
        after = content(folder)
        own = {path.with_suffix(kind) for kind in (".crt", ".key")}
        changed = {path for path, text in after.items() if before[path] != text}
        assert changed == {path, *own & before.keys()}
        before = after
        if name in PEMS:
            assert len(public_keys(path)) == 1
    assert facts(disk, *ALL) == names


def facts(disk: Disk, *names: str) -> str:
    options = "-noout -subject -issuer -ext subjectAltName,extendedKeyUsage 2>/dev/null"
    show = f"leaf_certificate $name | openssl x509 {options}"
    return run(disk, f"for name in {' '.join(names)}; do echo $name; {show}; done")


def test_a_renewal_of_the_administrator_keeps_the_endpoint(disk: Disk, folder: Path) -> None:
    def of_admin() -> tuple[str, str]:
        document = yaml.safe_load((folder / "admin.conf").read_text())
        data = document["users"][0]["user"]["client-certificate-data"]
        return document["clusters"][0]["cluster"]["server"], base64.b64decode(data).decode()

    server, certificate = of_admin()
    run(disk, "renew_leaf admin.conf")
    assert of_admin()[0] == server == f"https://{CLUSTER.endpoint}"
    assert of_admin()[1] != certificate


def test_what_is_missing_is_issued_from_documents(disk: Disk, folder: Path) -> None:
    before = content(folder)
    for name, lost in (
        ("etcd-server", {"pki/etcd/server.pem", "pki/etcd/server.crt", "pki/etcd/server.key"}),
        ("scheduler.conf", {"scheduler.conf", "scheduler/client.pem", "scheduler/ca.crt"}),
        ("admin.conf", {"admin.conf"}),
    ):
        names = facts(disk, name)
        for path in lost:
            (folder / path).unlink()
        ended = disk.run("set -e; RUN=$STATE/run; renew_leaf " + name, "leaves")
        assert f"the certificate of {name} (" in ended.stderr
        assert ") is missing" in ended.stderr
        run(disk, f'issue_leaf {name} "$STATE/documents.yaml"')
        assert facts(disk, name) == names
    assert content(folder).keys() == before.keys()


def test_a_certificate_is_due_in_the_last_third_of_its_validity(disk: Disk, folder: Path) -> None:
    for name in ("etcd-server", "admin.conf"):
        dates = shown_dates(disk, name)
        assert run(disk, f"expiry_of {name}") == f"{dates['notAfter']}\n"
        asked = "unset EPOCHSECONDS"
        for passed in (0, 0.6, 0.7, 1.1):
            now = dates["notBefore"] + passed * (dates["notAfter"] - dates["notBefore"])
            asked += f"; EPOCHSECONDS={int(now)}; leaf_state {name}"
        assert run(disk, asked).split() == ["valid", "valid", "due", "expired"]


def test_a_certificate_begins_when_it_is_issued(disk: Disk) -> None:
    """However old its CA is: a third of its validity would be longer than what is left of it."""
    lay_foundation(disk, age=timedelta(days=5 * 365))
    issue(disk)
    for name in ALL:
        run(disk, f"renew_leaf {name}")
        dates = shown_dates(disk, name)
        assert abs(dates["notBefore"] - time.time()) < HOUR, name
        assert dates["notAfter"] - dates["notBefore"] < 366 * 24 * HOUR, name
    states = run(disk, f"for name in {' '.join(ALL)}; do leaf_state $name; done")
    assert states.split() == ["valid"] * len(ALL)


def shown_dates(disk: Disk, name: str) -> dict[str, int]:
    lines = run(disk, f"leaf_certificate {name} | openssl x509 -noout -dates").splitlines()
    pairs = (line.split("=") for line in lines)
    form = "%b %d %H:%M:%S %Y GMT"
    return {
        key: int(datetime.strptime(value, form).replace(tzinfo=UTC).timestamp())
        for key, value in pairs
    }


def test_what_is_missing_has_no_expiry(disk: Disk, folder: Path) -> None:
    ask = 'rm "$(leaf_path $name)"; leaf_state $name; expiry_of $name || echo none'
    asked = run(disk, f"for name in {' '.join(ALL)}; do {ask}; done")
    assert asked.split() == ["missing", "none"] * len(ALL)


def test_a_renewal_that_is_cut_off_is_still_due(disk: Disk, folder: Path) -> None:
    """Its readers keep the previous pair until the new one is complete."""
    pem = folder / PEMS["etcd-peer"]
    previous = pem.read_bytes()
    for renames in range(3):
        cut_off = f'renames={renames}; mv() {{ ((renames--)) || exit 3; command mv "$@"; }}'
        ended = disk.run(f"{preamble()}{cut_off}; renew_leaf etcd-peer", "leaves")
        assert ended.returncode == 3, ended.stderr
        assert pem.read_bytes() == previous


def test_certificates_are_valid_as_long_as_the_documents_say(disk: Disk, folder: Path) -> None:
    path = disk.state / "leaf-configuration.yaml"
    path.write_text(re.sub("(?<=Period: ).*", "20m", path.read_text()))
    for name in ("apiserver", "scheduler.conf", "admin.conf"):
        run(disk, f"renew_leaf {name}")
        dates = shown_dates(disk, name)
        assert dates["notAfter"] - dates["notBefore"] < 1800


def test_what_is_staged_with_the_same_content_is_not_replaced(disk: Disk) -> None:
    """Its time stays; mode and owner are corrected."""
    old, same, other = 1_700_000_000, disk.folder / "etc/same", disk.folder / "etc/other"
    for file in (same, other):
        file.write_text("key\n")
        os.utime(file, (old, old))
        file.chmod(0o644)
    call = f"set -e; SCRATCH={disk.folder}/run"
    staged = f"echo key | stage_file {same}; echo new | stage_file {other}; replace_staged"
    ran = disk.run(f"{call}; {staged}", "leaves")
    assert ran.returncode == 0, ran.stderr
    assert (same.stat().st_mtime, same.stat().st_mode & 0o777) == (old, 0o600)
    assert other.read_text() == "new\n" and other.stat().st_mode & 0o777 == 0o600
    ran = disk.run(f"{call}; echo key | stage_file {same}; replace_staged", "leaves")
    assert ran.returncode == 0, "nothing may be left to replace"
    assert not list((disk.folder / "etc").glob("*.new"))
