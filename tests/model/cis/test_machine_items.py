"""Every item about machines passes on a good one and does not on a spoiled copy of it."""

from dataclasses import replace

import pytest
import yaml

from model.cis.benchmark import MACHINE_ITEMS
from model.cis.item import MachineItem, State
from model.cis.machine_facts import Document, MachineFacts, NotKnown
from tests.model.cis import good
from tests.model.cis.good import Spoil, flag
from tests.model.cis.spoiled_machines import CASES

ITEMS = {item.number: item for item in MACHINE_ITEMS}
GOOD = {"control-plane": good.control_plane, "worker": good.worker}
# What no machine can say: a person decides.
UNREADABLE = {"1.2.20", "3.1.1", "3.1.2"}
SERVER = "kube-apiserver"


def state(item: MachineItem, facts: MachineFacts) -> State:
    return item.state(item.judge(facts))


@pytest.mark.parametrize("role", GOOD)
@pytest.mark.parametrize("number", [number for number, item in ITEMS.items() if item.automated])
def test_every_automated_item_passes_on_a_good_machine(number: str, role: str) -> None:
    item, facts = ITEMS[number], GOOD[role]()
    if item.concerns(facts):
        judgement = item.judge(facts)
        assert judgement.passed, judgement.found


@pytest.mark.parametrize(
    ("number", "spoil"), CASES, ids=[f"{place}-{case[0]}" for place, case in enumerate(CASES)]
)
def test_a_spoiled_copy_does_not_pass(number: str, spoil: Spoil) -> None:
    item = ITEMS[number]
    assert state(item, good.ideal()) is State.PASS, item.judge(good.ideal()).found
    found = state(item, spoil(good.ideal()))
    assert found is (State.FAIL if item.automated else State.MANUAL)


def test_every_item_that_can_pass_has_a_spoiled_copy() -> None:
    assert set(ITEMS) - {number for number, _ in CASES} == UNREADABLE
    assert not [number for number in UNREADABLE if ITEMS[number].automated]


@pytest.mark.parametrize("item", MACHINE_ITEMS, ids=lambda item: item.number)
def test_nothing_is_known_of_a_machine_without_components(item: MachineItem) -> None:
    """Items about flags say that nothing runs; items about files, that they are missing."""
    try:
        judgement = item.judge(MachineFacts(is_control_plane=True))
    except NotKnown:
        return
    optional = {"1.1.9", "1.1.10", "1.1.13", "1.1.14", "1.1.20", "1.1.21", "4.1.3", "4.1.4"}
    assert not judgement.passed or item.number in optional, judgement.found


def test_a_worker_has_only_the_items_of_section_4() -> None:
    found = {item.number for item in MACHINE_ITEMS if item.concerns(good.worker())}
    assert {number.split(".")[0] for number in found} == {"4"}


@pytest.mark.parametrize(
    ("value", "passed"), [("127.0.0.1", True), ("::1", True), ("10.0.0.1", False), ("all", False)]
)
def test_only_the_machines_own_addresses_are_local(value: str, passed: bool) -> None:
    changed = flag("kube-scheduler", "bind-address", value)(good.control_plane())
    assert ITEMS["1.4.2"].judge(changed).passed is passed


@pytest.mark.parametrize(
    ("section", "found"),
    [
        (None, "anonymous requests are accepted for every path"),
        ({"enabled": True}, "anonymous requests are accepted for every path"),
        (
            {"enabled": True, "conditions": [{"path": "/livez"}]},
            "anonymous requests are accepted for health checks only: /livez",
        ),
        (
            {"enabled": True, "conditions": [{"path": "/livez"}, {"path": "/api"}]},
            "anonymous requests are accepted also for /api",
        ),
        ({"enabled": False}, "anonymous requests are refused by the authentication config"),
    ],
)
def test_what_anonymous_requests_may_reach_is_said(
    section: dict[str, object] | None, found: str
) -> None:
    config = {"jwt": [], **({"anonymous": section} if section else {})}
    document = Document(SERVER, "authentication-config", "/a", yaml.safe_dump(config))
    facts = replace(good.control_plane(), documents=(document,))
    judgement = ITEMS["1.2.1"].judge(facts)
    assert judgement.found == found
    assert bool(judgement.passed) is ("refused" in found)


def test_authorizers_may_be_in_a_file() -> None:
    def judged(number: str, *types: str) -> bool | None:
        text = yaml.safe_dump({"authorizers": [{"type": name} for name in types]})
        document = Document(SERVER, "authorization-config", "/a", text)
        unset = flag(SERVER, "authorization-mode", None)(good.control_plane())
        return ITEMS[number].judge(replace(unset, documents=(document,))).passed

    assert judged("1.2.6", "Node", "RBAC")
    assert not judged("1.2.7", "RBAC")
    assert not judged("1.2.8", "Node", "Webhook")


def test_a_config_that_cannot_be_read_is_not_judged() -> None:
    broken = Document("kubelet", "config", "/var/lib/kubelet/config.yaml", None)
    with pytest.raises(NotKnown, match=r"config.yaml of kubelet cannot be read"):
        ITEMS["4.2.1"].judge(replace(good.worker(), documents=(broken,)))


def test_a_timeout_of_zero_in_the_kubelets_config_is_its_default() -> None:
    facts = good.kubelet("streamingConnectionIdleTimeout", "0s")(good.worker())
    judgement = ITEMS["4.2.5"].judge(facts)
    assert judgement.passed and judgement.found == "streamingConnectionIdleTimeout: 4h"


def test_without_a_config_file_the_kubelets_old_defaults_hold() -> None:
    facts = flag("kubelet", "config", None)(good.worker())
    assert not ITEMS["4.2.1"].judge(facts).passed
    assert not ITEMS["4.2.2"].judge(facts).passed


def test_one_process_of_two_that_is_wrong_fails() -> None:
    """While a static pod is replaced, both run."""
    facts = good.control_plane()
    (wrong,) = flag("kube-scheduler", "profiling", "true")(facts).processes["kube-scheduler"]
    (right,) = facts.processes["kube-scheduler"]
    two = {**facts.processes, "kube-scheduler": (right, wrong)}
    both = MachineFacts(is_control_plane=True, processes=two)
    judgement = ITEMS["1.4.1"].judge(both)
    assert not judgement.passed
    assert judgement.found == "--profiling=false, --profiling=true"
