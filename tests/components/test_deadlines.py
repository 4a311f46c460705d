"""Deadlines of a machine's steps fit what the steps wait for."""

import asyncio
import re
from typing import cast
from unittest import mock

import pulumi
import pytest

from components.machine import (
    ENDPOINT_SECONDS,
    INIT_SECONDS,
    JOIN_SECONDS,
    PREPARE_SECONDS,
    Machine,
)
from components.workers import Workers, endpoint_seconds
from model.pki.certificates import JOIN_VALID
from model.render.node_scripts import read
from tests.components.graph import Graph


def seconds_of(script: str, name: str) -> int:
    """Return a constant of a node script."""
    found = re.search(rf"^{name}=(\d+)$", read(script), re.MULTILINE)
    assert found
    return int(found[1])


def test_a_join_ends_before_its_credential() -> None:
    """With time to spare: the engine may have other steps to run first."""
    assert JOIN_VALID.total_seconds() / 2 >= ENDPOINT_SECONDS + JOIN_SECONDS


def test_a_credential_is_issued_when_all_that_the_join_waits_for_is_known() -> None:
    """An initialization may take longer than the credential is valid."""
    assert JOIN_VALID.total_seconds() < PREPARE_SECONDS + INIT_SECONDS
    assert not asyncio.run(_is_issued_early())


async def _is_issued_early() -> bool:
    """Return whether a credential is issued before what the step waits for is known."""
    loop = asyncio.get_running_loop()
    waited: asyncio.Future[str] = loop.create_future()
    is_known: asyncio.Future[bool] = loop.create_future()
    is_known.set_result(True)
    pki = mock.Mock()
    machine = mock.Mock(_pki=pki, _machine=mock.Mock(kubelet={}), _member_settings={})
    with mock.patch.multiple(
        "components.machine",
        Membership=mock.Mock(return_value=mock.Mock(id=pulumi.Output.from_input("a-membership"))),
        MembershipArgs=mock.DEFAULT,
        kubeadm=mock.DEFAULT,
        value_of=mock.DEFAULT,
        _peers=mock.DEFAULT,
        _document_names=mock.Mock(return_value={}),
    ):
        wait: pulumi.Output[str] = pulumi.Output(set(), waited, is_known)
        Machine.join(machine, "worker", {"ENDPOINT_DEADLINE": wait}, after=[])
    begins = asyncio.ensure_future(pki.join_credential.call_args.kwargs["after"].future())
    await asyncio.sleep(0.05)
    is_early: bool = begins.done()
    waited.set_result("300")
    assert await begins == ["a-membership", "300"]
    return is_early


def test_the_waits_of_a_step_end_before_the_step_does() -> None:
    """Only then does the operator read what was waited for."""
    assert seconds_of("packages", "APT_SECONDS") < PREPARE_SECONDS / 2
    assert seconds_of("worker", "REGISTERED_SECONDS") < JOIN_SECONDS
    assert seconds_of("control-plane", "MEMBER_SECONDS") < JOIN_SECONDS


def test_a_worker_does_not_wait_long_for_a_cluster_that_could_not_be_initialized(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: False)
    assert int(endpoint_seconds("an-id")) == ENDPOINT_SECONDS
    unknown = cast("str", pulumi.UNKNOWN)
    assert int(endpoint_seconds(unknown)) <= 30


def test_workers_begin_to_wait_for_the_endpoint_when_the_cluster_is_initialized() -> None:
    """Until then a first control plane may take longer than they wait for the endpoint."""

    async def wait() -> str:
        loop = asyncio.get_running_loop()
        initialized: asyncio.Future[str] = loop.create_future()
        is_known: asyncio.Future[bool] = loop.create_future()
        is_known.set_result(True)
        init, machine = mock.Mock(), mock.Mock()
        init.id = pulumi.Output(set(), initialized, is_known)
        Workers.join(mock.Mock(machines=[machine]), init, after=[])
        settings = machine.join.call_args.args[1]
        waits = asyncio.ensure_future(settings["ENDPOINT_DEADLINE"].future())
        await asyncio.sleep(0.05)
        assert not waits.done()
        initialized.set_result("id")
        return str(await waits)

    assert PREPARE_SECONDS + INIT_SECONDS > ENDPOINT_SECONDS
    assert asyncio.run(wait()) == str(ENDPOINT_SECONDS)


def test_workers_await_the_initialization_without_depending_on_it(prod: Graph) -> None:
    worker = prod.one("cluster1-rack1-a-join")
    assert worker.given["settings"]["ENDPOINT_DEADLINE"] == str(ENDPOINT_SECONDS)
    assert "cluster1-init" not in prod.awaited(worker)
