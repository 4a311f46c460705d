"""scripts/node/balancer.sh: an API server ends when load balancers know another one."""

import subprocess

import pytest

from model.render.kubeadm_flags import NOTICE_SECONDS
from tests.node.steps.disk import Disk

# haproxy's list: its columns of names, and of the state as the 18th.
HEADER = "# pxname,svname," + "x," * 15 + "status,weight"
# Time passes with each look; a component ends when it is told to.
STAND_IN = """
LIB_STARTED=$EPOCHREALTIME
curl() { [[ -z $REFUSED ]] || return 7; printf '%s\\n' "$SERVERS"; }
sleep() { SECONDS=$((SECONDS + 10)); SERVERS=${LATER:-$SERVERS}; }
ctr() { [[ $4 != kill ]] || echo "ended"; }
containers_of() { [[ -e $DISK/told ]] || { echo 1; touch "$DISK/told"; }; }
say() { echo "said: $*"; }
REFUSED='' LATER=''
"""


def listed(**states: str) -> str:
    """What haproxy prints of API servers in these states."""
    rows = [
        f"{backend},{name},{'0,' * 15}{state},1"
        for backend, names in (
            ("control-planes", {**states, "BACKEND": "UP"}),
            ("any-control-plane", dict.fromkeys(states, "no check")),
        )
        for name, state in names.items()
    ]
    return "\n".join([HEADER, *rows])


def call(disk: Disk, text: str, script: str, servers: str, later: str = "") -> str:
    settings = f"NODE_ADDRESS=10.0.0.1\nSERVERS='{servers}'\nLATER='{later}'\n"
    ran: subprocess.CompletedProcess[str] = disk.run(f"{STAND_IN}{settings}{text}", script)
    assert ran.returncode in (0, 1), ran.stderr
    return ran.stdout + ran.stderr


@pytest.mark.parametrize(
    ("states", "replaceable"),
    [
        ({"node": "UP", "b": "UP", "c": "UP"}, True),
        ({"node": "UP", "b": "DOWN", "c": "UP"}, True),
        ({"node": "UP", "b": "UP 2/3", "c": "DOWN"}, True),
        ({"node": "UP", "b": "DOWN", "c": "DOWN"}, False),
        ({"node": "UP 1/3", "b": "DOWN 1/2", "c": "NOLB"}, False),
        ({"node": "UP", "b": "NOLB 2/3"}, False),
        ({"node": "UP"}, True),
        ({"node": "DOWN", "b": "DOWN"}, True),
        ({"node": "NOLB", "b": "DOWN"}, True),
        ({"b": "DOWN", "c": "DOWN"}, True),
    ],
)
def test_an_api_server_is_replaceable_if_another_one_is_used(
    disk: Disk, states: dict[str, str], replaceable: bool
) -> None:
    """The only one, or one that no client is sent to, needs no replacement."""
    said = call(disk, "is_replaceable node && echo yes", "balancer", listed(**states))
    assert ("yes" in said) == replaceable


def test_without_a_load_balancer_that_answers_nothing_is_awaited(disk: Disk) -> None:
    alone = listed(node="UP", b="DOWN")
    assert "yes" in call(disk, "REFUSED=7; is_replaceable node && echo yes", "balancer", alone)
    # An earlier configuration has no such list.
    assert "yes" in call(disk, "is_replaceable node && echo yes", "balancer", "")


@pytest.mark.parametrize("end", ["end_components kube-apiserver etcd", "restart_api_server"])
def test_an_api_server_ends_only_when_another_one_is_used(disk: Disk, end: str) -> None:
    alone, both = listed(node="UP", b="DOWN"), listed(node="UP", b="UP")
    seen = 'kill_when() { [[ $SERVERS == "$LATER" ]] || echo "too early"; }\n'
    told = 'ctr() { [[ $4 != kill ]] || { kill_when; echo "ended"; }; }\napi_is_ready() { :; }\n'
    script = "revocation" if end == "restart_api_server" else "static-pods"
    said = call(disk, f"{seen}{told}{end}", script, alone, both)
    assert "ended" in said
    assert "too early" not in said
    assert "no other API server was ready" not in said


def test_it_ends_after_a_while_since_that_may_repair_the_others(disk: Disk) -> None:
    said = call(disk, "end_components kube-apiserver", "static-pods", listed(node="UP", b="DOWN"))
    assert "no other API server was ready within 30 s" in said
    assert "node UP, b DOWN" in said
    assert "ended" in said


def test_other_components_wait_for_no_api_server(disk: Disk) -> None:
    alone = listed(node="UP", b="DOWN")
    said = call(disk, "end_components kube-scheduler", "static-pods", alone)
    assert "no other API server" not in said
    assert "ended" in said


@pytest.mark.parametrize(("leaving", "held_back"), [("b", True), ("", False), ("node", False)])
def test_a_load_balancer_that_knows_no_other_api_server_holds_a_change_back(
    disk: Disk, leaving: str, held_back: bool
) -> None:
    health = f"unless_crashing() {{ :; }}\nLEAVING={leaving}; await_health"
    said = call(disk, health, "health", listed(node="DOWN", b="UP"))
    awaited = "the load balancer of node to know a ready API server other than that of b"
    assert (awaited in said) == held_back
    assert ("node DOWN, b UP" in said) == held_back
    assert call(disk, health, "health", listed(node="UP", b="UP")) == ""


def test_load_balancers_notice_before_an_api_server_is_killed(disk: Disk) -> None:
    limit = int(disk.run("echo $END_SECONDS", "static-pods").stdout)
    assert limit >= 5 * NOTICE_SECONDS
