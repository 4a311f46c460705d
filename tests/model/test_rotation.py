"""The phases of a rotation: what signs, what is trusted, and what is refused."""

import ast
from pathlib import Path

import pytest
import yaml

from model import rotation_phases
from model.fleet import Cluster
from model.load import load
from model.pki.rotation import Half, Rotation
from model.render import kubeadm
from model.rotation_phases import (
    CAS,
    ENCRYPTION,
    FINISH,
    NAMES,
    NEXT,
    PHASES,
    PREPARE,
    SWITCH,
    Rotations,
    refusal,
)
from tests.model.examples import CONTAINER, changed
from tests.model.refusals import check_refused

OLD, NEW = Half("old\n", "old key"), Half("new\n", "new key")
STABLE = Rotation("", OLD)


def after(*phases: str) -> Rotation:
    state = STABLE
    for phase in phases:
        assert not refusal(state.phase, phase)
        state = state.to(phase, lambda: NEW)
    return state


def test_the_predecessor_signs_until_the_switch() -> None:
    assert after(PREPARE) == Rotation(PREPARE, OLD, NEW)
    assert after(PREPARE, SWITCH) == Rotation(SWITCH, NEW, OLD)
    assert after(PREPARE, SWITCH, FINISH) == Rotation(FINISH, NEW)


def test_what_signs_comes_first_in_the_bundle() -> None:
    assert STABLE.bundle == "old\n"
    assert after(PREPARE).bundle == "old\nnew\n"
    assert after(PREPARE, SWITCH).bundle == "new\nold\n"
    assert after(PREPARE, SWITCH, FINISH).bundle == "new\n"


def test_the_removed_key_of_a_finished_rotation_changes_nothing() -> None:
    assert after(PREPARE, SWITCH, FINISH, "") == Rotation("", NEW)


def test_each_step_before_the_end_can_be_taken_back() -> None:
    assert after(PREPARE, "") == STABLE
    assert after(PREPARE, SWITCH, PREPARE) == Rotation(PREPARE, OLD, NEW)
    assert after(PREPARE, SWITCH, PREPARE, "") == STABLE


@pytest.mark.parametrize("phase", [PREPARE, SWITCH])
def test_a_phase_that_is_repeated_creates_nothing(phase: str) -> None:
    state = after(*PHASES[: PHASES.index(phase) + 1])

    def unexpected() -> Half:
        raise AssertionError("another successor")

    assert state.to(phase, unexpected) == state


def test_another_rotation_follows_a_finished_one() -> None:
    third = Half("third\n", "third key")
    state = after(PREPARE, SWITCH, FINISH).to(PREPARE, lambda: third)
    assert state == Rotation(PREPARE, NEW, third)


@pytest.mark.parametrize(
    ("recorded", "wanted", "reason"),
    [
        ("", SWITCH, "nothing is prepared"),
        (FINISH, SWITCH, "nothing is prepared"),
        ("", FINISH, "no rotation is under way"),
        (PREPARE, FINISH, "the predecessor is still in use"),
        (SWITCH, "", "continue with `finish`, or take the change back"),
    ],
)
def test_a_step_that_leaves_one_out_is_refused(recorded: str, wanted: str, reason: str) -> None:
    assert reason in refusal(recorded, wanted)


def test_the_way_that_the_command_takes_is_never_refused() -> None:
    for phase, following in NEXT.items():
        assert not refusal(phase, following)


def test_phases_are_listed_by_the_names_of_the_command() -> None:
    found = Rotations(etcd_ca=PREPARE, service_account=FINISH)
    assert found.by_name == {"etcd-ca": PREPARE, "service-account": FINISH}
    assert Rotations().by_name == {}
    keys = ["service-account", "encryption"]
    assert [*rotation_phases.NAMES] == ["ca", "etcd-ca", "front-proxy-ca", *keys]


def test_a_subject_has_moved_unless_both_phases_are_one_state() -> None:
    before = {"ca": PREPARE, "encryption": FINISH, "etcd-ca": SWITCH}
    after = {"ca": SWITCH, "etcd-ca": SWITCH, "service-account": FINISH}
    assert rotation_phases.moved(before, after) == ["ca"]
    assert rotation_phases.moved({}, {"encryption": PREPARE}) == ["encryption"]
    assert rotation_phases.moved({"encryption": SWITCH}, {}) == ["encryption"]


def described(version: str = "v1.36.3", **phases: str) -> Cluster:
    config = changed(
        CONTAINER,
        ("clusters/cluster1/rotations", phases),
        ("clusters/cluster1/kubernetesVersion", version),
    )
    return load(config).clusters[0]


def markers(version: str = "v1.36.3", **phases: str) -> dict[str, str]:
    """The variable of each component in kubeadm's document."""
    document = yaml.safe_load(kubeadm.cluster_configuration(described(version, **phases)))
    components = {
        **{name: document[name] for name in ("apiServer", "controllerManager", "scheduler")},
        "etcd": document["etcd"]["local"],
    }
    found = {name: component.get("extraEnvs") for name, component in components.items()}
    return {name: variable[0]["value"] for name, variable in found.items() if variable}


def test_phases_are_read_from_the_config() -> None:
    found = described(ca=PREPARE, etcdCa=SWITCH, frontProxyCa=FINISH).rotations
    assert found == Rotations(PREPARE, SWITCH, FINISH)
    assert described().rotations == Rotations()


def test_a_phase_of_the_config_is_one_of_three_and_of_a_cluster() -> None:
    where = "clusters.cluster1.rotations.ca"
    check_refused(CONTAINER, ([("clusters/cluster1/rotations", {"ca": "now"})], where, "unknown"))
    check_refused(CONTAINER, ([("rotations", {"ca": PREPARE})], "rotations", "unknown key"))


def test_nothing_is_restarted_without_a_rotation_and_after_it() -> None:
    assert markers() == {}
    finished = dict.fromkeys(("ca", "etcdCa", "frontProxyCa", "serviceAccount"), FINISH)
    assert markers(**finished) == {}


@pytest.mark.parametrize("phase", PHASES)
def test_another_key_for_secrets_changes_no_manifest(phase: str) -> None:
    """The change of its file restarts API servers."""
    assert markers(encryption=phase) == markers()


def test_a_switch_to_another_ca_restarts_no_component() -> None:
    assert markers(ca=PREPARE) == markers(ca=SWITCH) == {"controllerManager": "ca"}
    immediate = {phase: markers(ca=phase, immediate="ca") for phase in (PREPARE, SWITCH)}
    assert immediate[PREPARE] == {"controllerManager": "ca"}
    assert {*immediate[SWITCH]} == {"apiServer", "controllerManager", "scheduler"}
    assert immediate[SWITCH]["controllerManager"] != "ca", "it is restarted, too"
    assert markers(etcdCa=PREPARE, immediate="etcd-ca") == markers(etcdCa=SWITCH)
    assert [*markers(etcdCa=PREPARE)] == ["apiServer", "etcd"]
    assert markers(frontProxyCa=PREPARE) == markers(frontProxyCa=SWITCH) == {}


def test_components_that_read_a_ca_once_are_restarted_in_each_phase() -> None:
    found = [markers("v1.35.6", ca=phase) for phase in (PREPARE, SWITCH)]
    for component in ("apiServer", "controllerManager", "scheduler"):
        assert found[0][component] != found[1][component]


def test_api_servers_are_restarted_for_another_service_account_key() -> None:
    prepared, switched = (markers(serviceAccount=phase) for phase in (PREPARE, SWITCH))
    assert [*prepared] == ["apiServer"]
    assert [*switched] == ["apiServer", "controllerManager"]
    assert prepared["apiServer"] != switched["apiServer"]


def test_names_of_subjects_are_constants_of_one_module() -> None:
    """A module that spells them would miss the next subject."""
    own = Path(rotation_phases.__file__)
    rooms = [own.parents[1] / room for room in ("model", "ops", "components", "scripts")]
    spelled = [
        f"{file}:{node.lineno}"
        for room in rooms
        for file in room.rglob("*.py")
        if file != own
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        # `encryption` is a word of other things as well.
        if isinstance(node, ast.Constant) and node.value in {*NAMES} - {ENCRYPTION}
    ]
    assert spelled == []


def test_a_subject_that_is_no_ca_is_among_the_names_alone() -> None:
    assert {*CAS} < {*NAMES}
    assert {getattr(Rotations(), key) for key in NAMES.values()} == {""}
