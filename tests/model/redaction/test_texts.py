"""What is taken out of texts and objects, what is not, and texts that are meant to do harm."""

import base64
import json
import time
from random import Random
from typing import Any

import pytest

from model.redaction.markers import Markers
from model.redaction.objects import ObjectRedactor
from model.redaction.secret_values import SecretValue, SecretValues, of_secret_object
from model.redaction.text import BLOCK, LONGEST_LINE, TextRedactor

VALUE = "Str0ng+Value/x="
DIGEST = "4c1f08ee6bc3a5e0b3a0d3a9a6a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3"


def redactor(*values: str, names: tuple[str, ...] = ()) -> TextRedactor:
    known = [
        SecretValue.of_object("shop", "db", f"key{index}", value.encode())
        for index, value in enumerate(values)
    ]
    return TextRedactor(SecretValues(known, names), Markers(b"k" * 32))


def streamed(over: TextRedactor, data: bytes, size: int = 10_007) -> bytes:
    stream = over.stream()
    pieces = [stream.feed(data[at : at + size]) for at in range(0, len(data), size)]
    return b"".join([*pieces, stream.finish()])


READABLE = [
    "uid 8d3c1f0a-1b2c-4d5e-9f00-112233445566",
    f"image registry.k8s.io/coredns/coredns:v1.14.2@sha256:{DIGEST}",
    f"containerID containerd://{DIGEST}",
    '"resourceVersion":"184467440737","generation":3',
    "node cluster1-control-plane-0.example.com at 10.89.1.10:6443",
    'reflector.go:1 failed to list *v1.Secret: secrets "db" is forbidden: User "system:node:a"',
    'I1127 05:00:00.1 1 tokencleaner.go:104] "Starting token cleaner controller"',
    "token-controller started; tokencleaner: started; secretName: db-credentials",
    "--service-account-key-file=/etc/kubernetes/pki/sa.pub --tls-private-key-file=/etc/a/b.key",
    "--anonymous-auth=false --authorization-mode=Node,RBAC --token-ttl=1h",
    "serviceAccountToken expirationSeconds: 3607",
    "automountServiceAccountToken: false",
    "GET https://10.96.0.1:443/api/v1/namespaces/kube-system/secrets?limit=500 200 OK",
    "pull ssh://git@example.com/a/b.git at 6a1f5c0d2b3e4f5a6b7c8d9e0f1a2b3c4d5e6f70",
    "basic authentication is disabled; bearer token expected",
    "2026-11-27T05:00:00.123456789Z stdout F 1234567890.123456",
    "/var/log/pods/kube-system_etcd-a_0123456789abcdef0123456789abcdef/etcd/0.log",
    "certificate-authority-data is set; author: somebody; 12:34:56",
    "secrets-store.csi.x-k8s.io kube-root-ca.crt default-token-abcde",
    "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUQ2==\n-----END CERTIFICATE-----",
]  # fmt: skip


@pytest.mark.parametrize("text", READABLE, ids=range(len(READABLE)))
def test_ordinary_text_stays_readable(text: str) -> None:
    assert redactor(VALUE).text(text) == text


def test_a_value_of_a_secret_says_which_one() -> None:
    over = redactor(VALUE, "second-value")
    assert over.text(f"a {VALUE} b second-value c") == (
        "a <redacted:secret:shop/db/key0> b <redacted:secret:shop/db/key1> c"
    )


def test_equal_secrets_have_equal_markers_only_within_an_archive() -> None:
    first, second = TextRedactor(SecretValues(())), TextRedactor(SecretValues(()))
    text = "password=abcdef123 and password=abcdef123"
    one, _, other = first.text(text).split()
    assert one == other
    assert first.text(text) != second.text(text)


def test_values_that_overlap_are_both_gone() -> None:
    assert redactor("abcdefghij", "fghijklmno").text("x abcdefghijklmno y") == (
        "x <redacted:secret:shop/db/key0> y"
    )


def test_names_of_the_cluster_and_short_values_are_no_needles() -> None:
    over = redactor("kube-system", "short", "", names=("kube-system",))
    assert over.text("kube-system short") == "kube-system short"


def test_a_value_that_is_cut_off_is_gone() -> None:
    value = "v" + "0123456789" * 30
    assert redactor(value).text(f"x {value[:200]}") == "x <redacted:secret:shop/db/key0>"


def test_a_service_account_token_s_namespace_is_no_secret() -> None:
    secret: dict[str, Any] = {
        "metadata": {"namespace": "a", "name": "b"},
        "type": "kubernetes.io/service-account-token",
        "data": {
            "namespace": base64.b64encode(b"kube-system").decode(),
            "token": base64.b64encode(b"the-token-itself").decode(),
        },
    }
    assert [found.value for found in of_secret_object(secret)] == [b"the-token-itself"]


@pytest.mark.parametrize("size", [1, 64, 4096])
def test_a_key_is_gone_however_it_arrives(size: int) -> None:
    lines = [base64.b64encode(bytes([index]) * 48).decode() for index in range(20)]
    key = "\n".join(["-----BEGIN PRIVATE KEY-----", *lines, "-----END PRIVATE KEY-----"])
    # So that it is where a block ends.
    before = "x" * 99 + "\n"
    text = (before * (BLOCK // 100 - 3) + key + "\nafter\n" + before * 20).encode()
    over = redactor()
    if size == 1:
        text = f"{key}\nafter\n".encode()
    written = streamed(over, text, size)
    assert b"after\n" in written
    assert not [line for line in lines if line.encode() in written]


def test_the_end_of_a_key_without_its_beginning_is_gone() -> None:
    lines = [base64.b64encode(bytes([index]) * 48).decode() for index in range(20)]
    text = "\n".join([*lines, "c2hvcnQ=", "-----END RSA PRIVATE KEY-----", "after"])
    written = redactor().text(text)
    assert written.endswith("\nafter")
    assert not [line for line in (*lines, "c2hvcnQ=") if line in written]


def test_a_beginning_without_an_end_hides_a_few_lines_only() -> None:
    lines = "".join(f"line {index}\n" for index in range(20_000))
    written = redactor().text(f"-----BEGIN PRIVATE KEY-----\n{lines}")
    assert written.count("line ") > 19_600


HOSTILE = {
    "zeros": b"\0" * (10 << 20),
    "one letter": b"a" * (10 << 20),
    "invalid": bytes(range(128, 256)) * (10 << 13),
    "backslashes": b"\\" * (4 << 20),
    "quotes": b'password="' * (400_000),
    "keys": b"password" * (500_000),
    "colons": b"token:" * (600_000),
    "schemes": b"://" * (1 << 20),
    "at": b"://a:" + b"b@" * (1 << 20),
    "begins": b"-----BEGIN PRIVATE KEY-----\n" * 100_000,
    "ends": b"-----END PRIVATE KEY-----\n" * 100_000,
    "jwts": b"eyJ" * (1 << 20),
    "dots": b"eyJabcdefgh" + b".abcd" * (1 << 19),
    "bearers": b"bearer " * (500_000),
    "cloud": b"#cloud-config\n" * 100_000,
    "blocks": b"password: |\n  a\n" * 100_000,
    "blanks": b"password" + b" " * (4 << 20) + b"=x",
    "base64": base64.b64encode(Random(1).randbytes(6 << 20)),
    "nested": base64.b64encode(base64.b64encode(base64.b64encode(b"password=" * 100_000))),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_takes_neither_long_nor_an_error(name: str) -> None:
    data = HOSTILE[name]
    began = time.process_time()
    written = streamed(redactor("aaaaaaaa", VALUE), data, 32_000)
    # Ten times as fast on a host that does nothing else.
    assert time.process_time() - began < 30
    assert len(written) < len(data) + 40 * (len(data) // 8) + LONGEST_LINE


def test_a_line_that_is_too_long_is_cut_before_a_secret_can_be() -> None:
    filling = b"x y " * (LONGEST_LINE // 4)
    line = filling[: LONGEST_LINE - 5] + VALUE.encode() + filling * 3
    written = streamed(redactor(VALUE), b"before\n" + line + b"\nafter\n")
    assert written.startswith(b"before\n") and written.endswith(b"\nafter\n")
    assert b"<cut: the line is too long>" in written and len(written) < LONGEST_LINE
    assert VALUE[:4].encode() not in written


def test_the_last_line_of_a_log_that_was_cut_off_is_left_out() -> None:
    stream = redactor().stream()
    assert stream.feed(b"one\ntwo passwor") == b""
    assert stream.finish(is_complete=False) == b"one\n"


def redact(kind: str, **found: Any) -> str:
    return json.dumps(ObjectRedactor(redactor(VALUE)).object(found, kind))


def test_of_a_secret_nothing_is_left_but_names_and_sizes() -> None:
    content = base64.b64encode(b"123456789").decode()
    text = redact("Secret", metadata={"name": "a"}, type="Opaque", data={"password": content})
    assert json.loads(text) == {
        "metadata": {"name": "a"}, "type": "Opaque", "bytesOfKeys": {"password": 9}
    }  # fmt: skip


def test_config_maps_of_others_have_sizes_only() -> None:
    theirs = redact("ConfigMap", metadata={"name": "a", "namespace": "b"}, data={"k": "text"})
    assert "text" not in theirs and '"k": 4' in theirs
    name = {"name": "kube-proxy", "namespace": "kube-system"}
    assert "mode: nftables" in redact("ConfigMap", metadata=name, data={"k": "mode: nftables"})
    # The kind of the same name of another group is none.
    assert "text" in redact("", metadata={"name": "a"}, data={"k": "text"})


def test_variables_have_their_names_and_sources() -> None:
    env = [
        {"name": "GREETING", "value": "hello"},
        {"name": "TZ", "value": "Asia/Tokyo"},
        {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}},
    ]
    text = redact("Pod", metadata={}, spec={"containers": [{"env": env}]})
    shown = json.loads(text)["spec"]["containers"][0]["env"]
    assert shown[0]["value"].startswith("<redacted:env:") and shown[1:] == env[1:]


def test_what_was_applied_last_and_who_owns_fields_is_omitted() -> None:
    annotations = {"kubectl.kubernetes.io/last-applied-configuration": "{}", "a": "b"}
    metadata = {"annotations": annotations, "managedFields": [{"manager": "x"}]}
    text = redact("Service", metadata=metadata, spec={"template": {"metadata": metadata}})
    assert json.loads(text)["metadata"] == {"annotations": {"a": "b"}}
    assert "managedFields" not in text and "last-applied" not in text


def test_objects_of_others_keep_what_is_no_secret() -> None:
    spec = {
        "replicas": 3, "paused": True, "image": "a/b@sha256:" + DIGEST, "adminPassword": "geheim12",
        "tokenExpirationSeconds": 3600, "secretName": "db", "caBundle": "TUlJQg==",
    }  # fmt: skip
    shown = json.loads(redact("", metadata={"name": "a"}, spec=spec))["spec"]
    assert shown.pop("adminPassword").startswith("<redacted:value:")
    spec.pop("adminPassword")
    assert shown == spec
