"""Tokens on a real cluster: issuers come and go without a restart, and config binds them."""

import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import yaml

from model.config.address_blocks import GATEWAY
from ops.kube import client
from scripts.bench.subnet import subnet
from tests.e2e.networks import networks
from tests.e2e.pulumi_stack import PulumiStack
from tests.e2e.token_issuer import TokenIssuer, issuing
from tests.ops.nspawn import host
from tests.tmp_machines import workshop

pytestmark = [pytest.mark.root, pytest.mark.slow]

SHOP, SYSTEM = (f"/api/v1/namespaces/{name}/pods" for name in ("shop", "kube-system"))
API_SERVER = "/api/v1/namespaces/kube-system/pods/kube-apiserver-cluster1-control-plane-0"
BUILD = "repo:acme/shop:ref:refs/heads/main"
REQUIRED: Any = {"hd": "example.com"}
CHANGED = "the issuers of tokens that it accepts changed: read again, nothing restarted"


@pytest.fixture
def issuers() -> Iterator[tuple[str, TokenIssuer, TokenIssuer]]:
    """A subnet for machines, and two issuers on this host at its gateway."""
    with subnet(87) as own:
        gateway = str(own.network_address + GATEWAY)
        with issuing(gateway) as corporate, issuing(gateway) as ci:
            yield str(own), corporate, ci


@pytest.fixture
def stack(issuers: tuple[str, TokenIssuer, TokenIssuer]) -> Iterator[PulumiStack]:
    with workshop() as folder:
        config = {
            "machines": {"driver": "container", "cpus": 2, "memory": "2Gi"},
            "clusters": {
                "cluster1": {"machines": {"subnet": issuers[0]}, "networking": networks(1)}
            },
        }
        stack = PulumiStack(folder, "test", config)
        stack.create()
        try:
            yield stack
        finally:
            marks = stack.marks()
            stack.destroy()
            left = host.parts(*marks)
            assert not any(left.values()), left


class Api:
    """The cluster's API, asked with tokens."""

    def __init__(self, kubeconfig: str) -> None:
        self._kubeconfig = kubeconfig
        (entry,) = yaml.safe_load(kubeconfig)["clusters"]
        self._server = entry["cluster"]["server"]
        self._tls = ssl.create_default_context()
        self._tls.check_hostname = False
        self._tls.verify_mode = ssl.CERT_NONE

    def status(self, token: str, path: str) -> int:
        """Return the status of the answer to a token."""
        headers = {"Authorization": f"Bearer {token}"}
        request = urllib.request.Request(f"{self._server}{path}", headers=headers)
        try:
            with urllib.request.urlopen(request, context=self._tls, timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    def containers(self) -> list[str]:
        """Return the containers of the API server, which are others after a restart."""
        pod = client.of(self._kubeconfig).get(API_SERVER)
        return [status["containerID"] for status in pod["status"]["containerStatuses"]]


def up(stack: PulumiStack) -> None:
    """Change the issuers; print how long that takes."""
    assert CHANGED in stack.preview().output
    began = time.monotonic()
    stack.up()
    print(f"\n  issuers changed in {time.monotonic() - began:.1f} s")
    assert stack.preview().changes == {}


def test_tokens_are_accepted_and_bound_without_a_restart(
    stack: PulumiStack, issuers: tuple[str, TokenIssuer, TokenIssuer]
) -> None:
    _, corporate, ci = issuers
    stack.up()
    api = Api(stack.output("kubeconfig"))
    running = api.containers()
    alice = corporate.token("alice", groups=["developers"], **REQUIRED)
    build = ci.token(BUILD)
    assert api.status(alice, SHOP) == 401

    given: Any = corporate.config("corporate", groupsClaim="groups", requiredClaims=REQUIRED)
    stack.config["authentication"] = {"issuers": [given]}
    access = [{"role": "edit", "namespaces": ["shop"]}]
    holders = [{"issuer": "corporate", "group": "developers"}]
    stack.config["people"] = {"groups": {"developers": {"access": access, "tokens": holders}}}
    up(stack)
    assert [api.status(alice, path) for path in (SHOP, SYSTEM)] == [200, 403]
    for wrong in (
        corporate.token("alice", groups=["developers"]),
        corporate.token("alice", groups=["developers"], aud="other", **REQUIRED),
        corporate.token("alice", timedelta(minutes=-1), groups=["developers"], **REQUIRED),
        ci.token("alice", groups=["developers"], iss=corporate.url, **REQUIRED),
    ):
        assert api.status(wrong, SHOP) == 401, json.dumps(wrong)
    other = corporate.token("bob", groups=["system:masters", "kubeadm:cluster-admins"], **REQUIRED)
    assert api.status(other, SYSTEM) == 403, "groups of tokens have the issuer's prefix"

    stack.config["authentication"]["issuers"].append(ci.config("ci"))
    holders.append({"issuer": "ci", "user": BUILD})
    up(stack)
    assert [api.status(build, path) for path in (SHOP, SYSTEM)] == [200, 403]
    assert api.status(ci.token("repo:acme/other:ref:refs/heads/main"), SHOP) == 403
    assert api.status(alice, SHOP) == 200

    stack.config["authentication"]["issuers"] = []
    stack.config["people"] = {}
    up(stack)
    assert [api.status(token, SHOP) for token in (alice, build)] == [401, 401]
    assert api.containers() == running, "no API server was restarted"
