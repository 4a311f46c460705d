"""Secrets are found in texts, in arguments and in environments of processes."""

import base64
import subprocess
import sys
from datetime import timedelta

import pytest

from model.pki import certificates
from model.ssh_keys import new_key_pair
from tests.e2e.secret_texts import ProcessWatch, Secrets

AUTHORITY = certificates.new_authority("test", timedelta(days=1))
BODY = AUTHORITY.key_pem.splitlines()[1]
TOKEN = f"eyJhbGciOiJSUzI1NiIs.{'eyJpc3MiOiJodHRwczov'}.{'c2lnbmF0dXJlIG9mIGEgdG9rZW4'}"


@pytest.mark.parametrize(
    "text",
    [
        f"could not write {AUTHORITY.key_pem}",
        f"could not write {AUTHORITY.key_pem!r}",
        f"the line {BODY} alone",
        f"the line {AUTHORITY.key_pem.splitlines()[0]} alone",
        new_key_pair("test").private_openssh,
        f"Authorization: Bearer {TOKEN}",
        "kubeadm join --token abcdef.0123456789abcdef",
    ],
    ids=[
        "PEM",
        "escaped PEM",
        "a line of it",
        "its first line",
        "SSH key",
        "JWT",
        "bootstrap token",
    ],
)
def test_a_secret_is_found(text: str) -> None:
    exported = AUTHORITY.key_pem.replace("\n", "\\n")
    assert Secrets(f'{{"privateKey": "{exported}"}}').in_text(text)


def test_a_secret_in_a_kubeconfig_is_known() -> None:
    embedded = base64.b64encode(AUTHORITY.key_pem.encode()).decode()
    secrets = Secrets(f"user: {{client-key-data: {embedded}}}")
    assert secrets.in_text(f"the line {BODY} alone")
    assert secrets.in_text(f"client-key-data: {embedded}")


def test_what_is_public_is_no_secret() -> None:
    text = f"{AUTHORITY.cert_pem} {new_key_pair('test').public} v1.36.3 kube-proxy.service"
    text += " events/server.18ec0e9563e42498"
    assert Secrets(AUTHORITY.key_pem.replace("\n", "\\n")).in_text(text) == []


@pytest.mark.parametrize("place", ["arguments", "environment"])
def test_a_process_with_a_secret_is_seen(place: str) -> None:
    command = [sys.executable, "-c", "input()"]
    environment = {"HOME": "/a/home/of/a/test"}
    if place == "arguments":
        command.append(BODY)
    else:
        environment["SECRET"] = BODY
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE) as process:
        with ProcessWatch(lambda: {"/a/home/of/a/test"}) as watch:
            pass
        process.communicate(b"\n")
    assert any(BODY in text for text in watch.texts)
    assert len(watch.texts) == 2, "of other processes, nothing is kept"
