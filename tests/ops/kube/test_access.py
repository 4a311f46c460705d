"""Kubeconfigs that this program did not write: every kind of credential, and those it refuses."""

import base64
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from ops.errors import OperatorError
from ops.kube.access import Access
from ops.kube.client import Client
from tests.ops.kube.api_server import Api

PATH = "/api/v1/nodes"


@pytest.fixture
def document(api: Api) -> Any:
    """A kubeconfig as `kubectl config view --raw` shows it; the API answers."""
    api.answers[f"GET {PATH}"] = (200, {"items": []})
    return yaml.safe_load(api.kubeconfig)


def access(document: Any, folder: Path = Path()) -> Access:
    return Access.of_context(document, document["contexts"][0]["name"], folder)


def is_answered(found: Access) -> bool:
    return Client(found, retries=0).get(PATH) == {"items": []}


def moved_to_files(entry: Any, folder: Path, *keys: str) -> None:
    for key in keys:
        (folder / key).write_bytes(base64.b64decode(entry.pop(f"{key}-data")))
        entry[key] = key


def test_files_are_relative_to_the_kubeconfig(document: Any, tmp_path: Path) -> None:
    moved_to_files(document["clusters"][0]["cluster"], tmp_path, "certificate-authority")
    moved_to_files(document["users"][0]["user"], tmp_path, "client-certificate", "client-key")
    assert is_answered(access(document, tmp_path))
    (tmp_path / "client-key").unlink()
    with pytest.raises(OperatorError, match=r"a file of the kubeconfig cannot be read: .*-key"):
        access(document, tmp_path)


def test_the_server_s_certificate_must_have_the_name_of_the_kubeconfig(document: Any) -> None:
    cluster = document["clusters"][0]["cluster"]
    cluster["tls-server-name"] = "elsewhere.example"
    with pytest.raises(Exception, match=r"not valid for 'elsewhere\.example'"):
        is_answered(access(document))
    cluster["server"] = cluster["server"].replace("127.0.0.1", "localhost")
    cluster["tls-server-name"] = "127.0.0.1"
    assert is_answered(access(document))


def test_a_server_of_another_ca_is_only_accepted_where_the_kubeconfig_says_so(
    document: Any,
) -> None:
    cluster = document["clusters"][0]["cluster"]
    del cluster["certificate-authority-data"]
    with pytest.raises(Exception, match="certificate verify failed"):
        is_answered(access(document))
    cluster["insecure-skip-tls-verify"] = True
    assert is_answered(access(document))


def test_a_token_is_sent_in_each_request_and_shown_nowhere(document: Any, tmp_path: Path) -> None:
    user = document["users"][0]["user"]
    user["token"] = "seen-nowhere"
    found = access(document)
    assert found.headers == {"Authorization": "Bearer seen-nowhere"}
    assert "seen-nowhere" not in f"{found!r}{Client(found)!r}"
    del user["token"]
    (tmp_path / "token").write_text("of-a-file\n")
    user["tokenFile"] = "token"
    assert access(document, tmp_path).headers == {"Authorization": "Bearer of-a-file"}


def plugin(folder: Path, script: str, **settings: Any) -> dict[str, Any]:
    """Write an exec plugin; return a user who has it."""
    program = folder / "plugin"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    version = "client.authentication.k8s.io/v1"
    return {"exec": {"apiVersion": version, "command": "./plugin", **settings}}


def test_a_plugin_is_run_without_a_terminal(document: Any, tmp_path: Path) -> None:
    said = '{"status": {"token": "\'$KIND-$1-$(cat)\'"}}'
    document["users"][0]["user"] = plugin(
        tmp_path, f"echo '{said}'", args=["a"], env=[{"name": "KIND", "value": "k"}]
    )
    assert access(document, tmp_path).headers == {"Authorization": "Bearer k-a-"}


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo no such issuer >&2; exit 3", "exit status 3: no such issuer (install it)"),
        ("echo hello", "its output is no ExecCredential with a status (install it)"),
        ("echo '{\"status\": null}'", "its output is no ExecCredential with a status (install it)"),
    ],
)
def test_a_plugin_that_fails_is_named(
    document: Any, tmp_path: Path, script: str, reason: str
) -> None:
    document["users"][0]["user"] = plugin(tmp_path, script, installHint="install it")
    with pytest.raises(OperatorError) as raised:
        access(document, tmp_path)
    assert str(raised.value) == f"the exec plugin ./plugin failed: {reason}"


def test_a_plugin_that_is_not_installed_is_named(document: Any) -> None:
    document["users"][0]["user"] = {"exec": {"command": "no-such-plugin"}}
    with pytest.raises(OperatorError, match="plugin no-such-plugin failed: No such file"):
        access(document)


@pytest.mark.parametrize(
    ("user", "reason"),
    [
        ({"auth-provider": {"name": "oidc"}}, "auth-provider, which is not supported"),
        ({"username": "a", "password": "b"}, "username, password, which is not supported"),
        ({"token": "t", "as": "admin"}, "as, which is not supported"),
        ({"exec": {"command": "p", "interactiveMode": "Always"}}, "needs a terminal"),
    ],
)
def test_what_is_not_supported_is_refused(document: Any, user: Any, reason: str) -> None:
    document["users"][0]["user"] = user
    with pytest.raises(OperatorError, match=reason):
        access(document)


def test_proxies_are_those_of_the_kubeconfig(document: Any) -> None:
    cluster = document["clusters"][0]["cluster"]
    cluster["proxy-url"] = "http://127.0.0.1:1"
    with pytest.raises(Exception, match="proxy"):
        is_answered(access(document))
    cluster["proxy-url"] = "socks5://127.0.0.1:1"
    with pytest.raises(OperatorError, match=r"proxy-url socks5://127\.0\.0\.1:1 is not supported"):
        access(document)


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ({"clusters": []}, "the kubeconfig has no cluster cluster1"),
        ({"users": None}, "the kubeconfig has no user cluster1-admin"),
        ({"clusters": [{"name": "cluster1", "cluster": {}}]}, "'server' is missing"),
        (
            {"clusters": [{"name": "cluster1", "cluster": {"certificate-authority-data": "%"}}]},
            "cannot be used: ",
        ),
        ({"contexts": [{"name": "cluster1-admin"}]}, "'context' is missing"),
    ],
)
def test_an_incomplete_context_is_named(document: Any, broken: Any, reason: str) -> None:
    with pytest.raises(OperatorError, match=reason):
        Access.of_context(document | broken, "cluster1-admin", Path())
