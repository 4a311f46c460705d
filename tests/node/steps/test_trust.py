"""scripts/node/trust.sh: CAs and keys in the phases of a rotation, with the real kubeadm."""

import base64
import subprocess
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from shlex import quote

import pytest
import yaml

from model.pki import trust
from model.pki.certificates import KeyPair, cross_sign, new_authority
from tests.node.steps.certificates import issue, lay_foundation, preamble
from tests.node.steps.disk import Disk

CAS = {"CA": "ca", "ETCD_CA": "etcd/ca", "FRONT_PROXY_CA": "front-proxy-ca"}
LEAVES = {
    "etcd-server": ("ETCD_CA", "pki/etcd/server.pem"),
    "etcd-healthcheck-client": ("ETCD_CA", "pki/etcd/healthcheck-client.crt"),
    "apiserver": ("CA", "pki/apiserver.pem"),
    "apiserver-etcd-client": ("ETCD_CA", "pki/apiserver-etcd-client.pem"),
    "front-proxy-client": ("FRONT_PROXY_CA", "pki/front-proxy-client.pem"),
    "controller-manager.conf": ("CA", "pki/controller-manager.pem"),
    "scheduler.conf": ("CA", "scheduler/client.pem"),
}
NEW = {name: new_authority(path, timedelta(days=9)) for name, path in CAS.items()}
KEYS = {"SERVICE_ACCOUNT_KEY": "key", "SERVICE_ACCOUNT_PUBLIC_KEY": "public", "NODE_ADDRESS": ""}


@pytest.fixture
def old(disk: Disk) -> dict[str, KeyPair]:
    """The CAs of a control plane before a rotation."""
    lay_foundation(disk)
    issue(disk)
    pki = disk.folder / "etc/kubernetes/pki"
    return {
        name: KeyPair(*((pki / f"{path}.{kind}").read_text() for kind in ("crt", "key")))
        for name, path in CAS.items()
    }


def settings(old: dict[str, KeyPair], phase: str) -> dict[str, str]:
    """The settings of a phase, as the program has them."""
    found = {**KEYS, "FORMER_LEAVES": " ".join(LEAVES)}
    for name, pair in old.items():
        new = NEW[name]
        signing, other = (pair, new) if phase == "prepare" else (new, pair)
        trusted = [signing.cert_pem] if phase == "finish" else [signing.cert_pem, other.cert_pem]
        chain = cross_sign(pair, new.cert_pem) if phase == "switch" else ""
        found |= {f"{name}_CERTIFICATE": "".join(trusted), f"{name}_KEY": signing.key_pem}
        found[f"{name}_CHAIN"] = chain
    found["ROOT_CA_CERTIFICATE"] = trust.in_fixed_order(found["CA_CERTIFICATE"])
    return found


def run(disk: Disk, script: str, call: str, given: dict[str, str]) -> str:
    """Run an operation that begins like one on a machine."""
    text = "".join(f"{name}={quote(value)}\n" for name, value in given.items())
    stand_ins = "lib_begin() { :; }; open_run() { :; }; systemctl() { echo of this test; }"
    begin = f"{stand_ins}\n{preamble()}"
    ended = disk.run(f"{text}{begin}{call}", script)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def apply(disk: Disk, old: dict[str, KeyPair], phase: str) -> Path:
    """Bring a phase to the control plane; return its folder."""
    given = settings(old, phase)
    run(disk, "trust", "apply_trust", given)
    if phase != "prepare":
        run(disk, "issuance", "renew_former_leaves", given)
    return disk.folder / "etc/kubernetes"


def is_verified(leaf: Path, root: str) -> bool:
    """Whether what the file has besides its leaf is enough for this root alone."""
    (leaf.parent / "root.test").write_text(root)
    files = ("-CAfile", "root.test", "-untrusted", leaf.name, leaf.name)
    return subprocess.run(["openssl", "verify", *files], cwd=leaf.parent).returncode == 0


def certificates_in(text: str) -> int:
    return text.count("BEGIN CERTIFICATE")


def test_the_successor_is_trusted_before_anything_is_issued(
    disk: Disk, old: dict[str, KeyPair]
) -> None:
    folder = disk.folder / "etc/kubernetes"
    former = {path: (folder / path).read_bytes() for _, path in LEAVES.values()}
    apply(disk, old, "prepare")
    assert {path: (folder / path).read_bytes() for _, path in LEAVES.values()} == former
    for copy in ("pki/ca.crt", "scheduler/ca.crt"):
        assert certificates_in((folder / copy).read_text()) == 2
    admin = yaml.safe_load((folder / "admin.conf").read_text())
    trusted = admin["clusters"][0]["cluster"]["certificate-authority-data"]
    assert certificates_in(base64.b64decode(trusted).decode()) == 2


def test_switched_leaves_are_verified_with_either_root_alone(
    disk: Disk, old: dict[str, KeyPair]
) -> None:
    apply(disk, old, "prepare")
    folder = apply(disk, old, "switch")
    for authority, path in LEAVES.values():
        for root in (old[authority], NEW[authority]):
            assert is_verified(folder / path, root.cert_pem), path


def test_finished_leaves_are_verified_with_the_successor_alone(
    disk: Disk, old: dict[str, KeyPair]
) -> None:
    apply(disk, old, "switch")
    folder = apply(disk, old, "finish")
    assert not [*folder.rglob("*-chain.crt")]
    for authority, path in LEAVES.values():
        assert is_verified(folder / path, NEW[authority].cert_pem), path
        assert not is_verified(folder / path, old[authority].cert_pem), path


def test_the_signer_has_one_certificate_and_its_key(disk: Disk, old: dict[str, KeyPair]) -> None:
    for phase, signing in (("prepare", old["CA"]), ("switch", NEW["CA"])):
        signer = (apply(disk, old, phase) / "pki/signer.pem").read_text()
        assert certificates_in(signer) == 1
        assert signer.split() == (signing.cert_pem + signing.key_pem).split()


def test_a_machine_reports_what_it_trusts(disk: Disk, old: dict[str, KeyPair]) -> None:
    for phase in ("prepare", "switch", "finish"):
        given = settings(old, phase)
        run(disk, "trust", "apply_trust", given)
        assert disk.run("trust_digest", "trusted").stdout.strip() == trust.digest(given)


def test_a_worker_gets_the_certificates_of_the_clusters_ca_alone(
    disk: Disk, old: dict[str, KeyPair]
) -> None:
    given = settings(old, "prepare")
    pki = disk.folder / "etc/kubernetes/pki"
    for path in sorted(pki.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    run(disk, "trust", "apply_worker_trust", {"CA_CERTIFICATE": given["CA_CERTIFICATE"]})
    assert [path.name for path in pki.iterdir()] == ["ca.crt"]
    printed = disk.run("trust_digest", "trusted").stdout.strip()
    assert printed == trust.worker_digest(given)
    assert printed != sha256(b"").hexdigest()


def kubelet_ca(disk: Disk, kubelet: str) -> str:
    """The checksum of the CA that the kubelet of this run has read."""
    ended = disk.run(f"systemctl() {{ echo {kubelet}; }}; kubelet_ca_digest", "trusted")
    return ended.stdout.strip()


@pytest.mark.parametrize("call", ["apply_trust", "apply_worker_trust"])
def test_a_kubelet_knows_the_ca_of_its_start_until_it_starts_again(
    disk: Disk, old: dict[str, KeyPair], call: str
) -> None:
    """Another clock, a reboot or another order of the join says nothing."""
    first = kubelet_ca(disk, "first")
    prepared = settings(old, "prepare")
    run(disk, "trust", f"systemctl() {{ echo first; }}; {call}", prepared)
    assert kubelet_ca(disk, "first") == first
    assert kubelet_ca(disk, "second") == trust.worker_digest(prepared) != first
    run(disk, "trust", f"systemctl() {{ echo first; }}; {call}", settings(old, "finish"))
    assert kubelet_ca(disk, "first") == first, "it was replaced twice during that run"
    # What was prepared is taken back: the kubelet has never known anything else.
    given = {**prepared, "CA_CERTIFICATE": old["CA"].cert_pem}
    run(disk, "trust", f"systemctl() {{ echo first; }}; {call}", given)
    assert kubelet_ca(disk, "first") == first == kubelet_ca(disk, "second")


def test_what_pods_get_is_in_the_same_order_after_the_switch(
    disk: Disk, old: dict[str, KeyPair]
) -> None:
    """A controller manager that starts then publishes it again, if it is another text."""
    prepared, switched = (
        (apply(disk, old, phase) / "pki/root-ca.crt").read_text() for phase in ("prepare", "switch")
    )
    assert switched == prepared
    assert certificates_in(switched) == 2
    assert certificates_in((apply(disk, old, "finish") / "pki/root-ca.crt").read_text()) == 1
