"""SSH keys, compared with the output of OpenSSH's tools."""

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from model import ssh_keys


def openssh_public(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    return key.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    ).decode()  # fmt: skip


def test_openssh_reads_a_new_key_pair(tmp_path: Path) -> None:
    pair = ssh_keys.new_key_pair("kubeadm-fleet")
    private = tmp_path / "key"
    private.touch(mode=0o600)
    private.write_text(pair.private_openssh)

    def keygen(*arguments: str) -> str:
        command = ["ssh-keygen", *arguments, "-f", str(private)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert keygen("-y").split()[:2] == pair.public.split()[:2]
    assert keygen("-l").split()[1] == ssh_keys.fingerprint(pair.public)
    assert pair.public.endswith(" kubeadm-fleet")


def test_an_ed25519_key_gets_shorter_and_back() -> None:
    openssh = ssh_keys.new_key_pair("").private_openssh
    short = ssh_keys.shortest(openssh)
    assert len(short) < 130 < len(openssh)
    assert ssh_keys.shortest(short) == short

    def raw(text: str) -> bytes:
        key = serialization.load_ssh_private_key(text.encode(), None)
        assert isinstance(key, ed25519.Ed25519PrivateKey)
        return key.private_bytes_raw()

    assert raw(ssh_keys.openssh_format(short)) == raw(openssh)


@pytest.mark.parametrize("kind", ["PKCS8", "OpenSSH"])
def test_other_keys_stay_as_they_are(kind: str) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    form, none = getattr(serialization.PrivateFormat, kind), serialization.NoEncryption()
    text = key.private_bytes(serialization.Encoding.PEM, form, none).decode()
    for text_or_not in (text, "no key", text[:-40]):
        assert ssh_keys.shortest(text_or_not) == text_or_not
        assert ssh_keys.openssh_format(text_or_not) == text_or_not


def test_key_pairs_differ_and_hide_their_private_key() -> None:
    one, other = ssh_keys.new_key_pair("a"), ssh_keys.new_key_pair("a")
    assert one.public != other.public
    assert "PRIVATE" not in repr(one)


@pytest.mark.parametrize(
    "public",
    [
        ssh_keys.new_key_pair("").public,
        openssh_public(ec.generate_private_key(ec.SECP256R1())),
        openssh_public(ec.generate_private_key(ec.SECP384R1())),
        openssh_public(ec.generate_private_key(ec.SECP521R1())),
    ],
    ids=lambda public: str(public).split()[0],
)
def test_every_supported_host_key_type_is_parsed(public: str) -> None:
    algorithm, encoded = public.split()
    assert ssh_keys.parse_host_key(public) == (algorithm, encoded)
    assert ssh_keys.parse_host_key(f"{public} root@host") == (algorithm, encoded)


GOOD = ssh_keys.new_key_pair("").public


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not a public key"),
        (ssh_keys.new_key_pair("").private_openssh, "not a public key"),
        (f"node1.example.com {GOOD}", "not a public key"),
        ("ssh-ed25519", "truncated"),
        (GOOD[:-1], "not valid base64"),
        (GOOD[:-4], "truncated"),
        (GOOD.replace("ssh-ed25519", "ecdsa-sha2-nistp256"), "of another type"),
        (openssh_public(rsa.generate_private_key(65537, 2048)), "ssh-rsa key cannot be pinned"),
        ("ssh-dss AAAAB3NzaC1kc3M", "not a public key"),
    ],
    ids=[
        "empty",
        "private key",
        "line of known_hosts",
        "algorithm only",
        "cut within base64",
        "cut",
        "another algorithm",
        "RSA",
        "DSA",
    ],
)
def test_an_invalid_host_key_is_rejected_and_not_printed(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as raised:
        ssh_keys.parse_host_key(text)
    assert not any(len(word) > 20 and word in str(raised.value) for word in text.split())
