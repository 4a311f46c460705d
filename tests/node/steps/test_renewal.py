"""scripts/node/renewal.sh: what a control plane does by the clock, and its record."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.node.steps.disk import Disk

# Leaves with a state instead of a certificate.
STAND_INS = """
PERIOD_SECONDS=3600
LEAVES=(etcd-server apiserver admin.conf)
leaf_state() { cat "$STATE/leaf-$1" 2>/dev/null || echo valid; }
expiry_of() { echo 1893456000; }
renew_leaf() {
  [[ $1 != apiserver || ! -e $STATE/broken ]] || { false; echo "errexit is off" >>"$STATE/calls"; }
  echo "$1" >>"$STATE/calls"
  rm -f "$STATE/leaf-$1"
}
is_snapshot_due() { [[ -e $STATE/due ]]; }
oldest_snapshots() { echo /snapshots/1.db; }
take_snapshot() {
  [[ ! -e $STATE/broken ]] || die "etcd is not running" "look"
  rm "$STATE/due"
}
kubectl() { echo "${@: -1}" >>"$STATE/annotations"; }
"""
YEAR_2030 = "2030-01-01T00:00:00Z"
TIMER = "kubeadm-fleet-renewal.timer"
SYSTEMCTL = 'systemctl() { echo "$*" >>"$STATE/calls"; }\nset -Eeuo pipefail\n'


@pytest.fixture
def member(disk: Disk) -> Disk:
    disk.join()
    return disk


def renew(disk: Disk, more: str = "") -> "subprocess.CompletedProcess[str]":
    return disk.run(f"{STAND_INS}{more}\nrenew_by_clock", "renewal")


def calls(disk: Disk, name: str = "calls") -> list[str]:
    path = disk.state / name
    return path.read_text().splitlines() if path.exists() else []


def records(disk: Disk) -> dict[str, list[str]]:
    """The record, without times, by subject."""
    rows = [line.split("\t") for line in calls(disk, "renewals")]
    assert all(row[1].endswith("Z") for row in rows)
    assert len({row[0] for row in rows}) == len(rows)
    return {subject: [result, details] for subject, _time, result, details in rows}


def failures(disk: Disk, seconds_up: int = 7 * 3600) -> list[str]:
    up = f"seconds_up() {{ echo {seconds_up}; }}"
    ran = disk.run(f"set -Eeuo pipefail; {up}; renewal_failures", "renewal_record")
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


@pytest.mark.parametrize("state", ["due", "expired", "missing"])
def test_only_a_leaf_that_needs_it_is_renewed(member: Disk, state: str) -> None:
    (member.state / "leaf-apiserver").write_text(state)
    ran = renew(member)
    assert ran.returncode == 0, ran.stderr
    assert calls(member) == ["apiserver"]
    assert records(member)["apiserver"] == ["succeeded", YEAR_2030]
    assert f"apiserver, which was {state}" in ran.stdout, "the journal says so"
    assert failures(member) == []
    assert renew(member).returncode == 0
    assert calls(member) == ["apiserver"], "once"
    assert records(member)["apiserver"] == ["succeeded", YEAR_2030], "still recorded"


def test_a_failure_keeps_nothing_else_from_being_renewed(member: Disk) -> None:
    for name in ("etcd-server", "apiserver", "admin.conf"):
        (member.state / f"leaf-{name}").write_text("due")
    for name in ("broken", "due"):
        (member.state / name).touch()
    more = (
        'renew_leaf() { [[ $1 != apiserver ]] || die "no CA" "look"; echo "$1" >>"$STATE/calls"; }'
    )
    ran = renew(member, more)
    assert ran.returncode == 1, "the service has failed"
    assert calls(member) == ["etcd-server", "admin.conf"]
    assert records(member)["apiserver"] == ["failed", "no CA"]
    assert failures(member) == ["apiserver\tno CA", "snapshot\tetcd is not running"]
    assert "error: the renewal of apiserver failed: no CA" in ran.stderr
    annotation = "kubeadm-fleet/renewal=apiserver: no CA; snapshot: etcd is not running"
    assert calls(member, "annotations") == [annotation]


def test_a_renewal_ends_at_its_first_error(member: Disk) -> None:
    (member.state / "leaf-apiserver").write_text("due")
    (member.state / "broken").touch()
    assert renew(member).returncode == 1
    assert calls(member) == []
    assert records(member)["apiserver"] == ["failed", "unknown"]


def test_what_succeeds_again_is_no_longer_a_failure(member: Disk) -> None:
    (member.state / "leaf-apiserver").write_text("due")
    (member.state / "broken").touch()
    (member.state / "due").touch()
    renew(member)
    assert len(failures(member)) == 2
    (member.state / "broken").unlink()
    # A step of the program renewed it.
    (member.state / "leaf-apiserver").unlink()
    assert renew(member).returncode == 0
    assert failures(member) == []
    assert set(records(member)) == {"snapshot", "run"}
    assert calls(member, "annotations")[-1] == "kubeadm-fleet/renewal-"


def test_a_failure_is_reported_while_it_is_tried_again(member: Disk) -> None:
    (member.state / "leaf-apiserver").write_text("due")
    (member.state / "broken").touch()
    renew(member)
    renew(member, 'renew_leaf() { cp "$RENEWALS" "$STATE/seen"; }')
    assert "apiserver\t" in (member.state / "seen").read_text()
    assert "apiserver" not in dict(line.split("\t") for line in failures(member))


def test_a_machine_that_is_no_member_is_left_alone(disk: Disk) -> None:
    (disk.state / "leaf-apiserver").write_text("expired")
    (disk.state / "due").touch()
    assert renew(disk).returncode == 0
    assert calls(disk) == []
    assert not (disk.state / "renewals").exists()


def test_certificates_are_renewed_under_the_lock_and_snapshots_without_it(member: Disk) -> None:
    (member.state / "leaf-apiserver").write_text("due")
    (member.state / "due").touch()
    more = """
    is_free() { (flock --nonblock 8 && echo free || echo locked) 8<"$STATE/lock"; }
    renew_leaf() { is_free >>"$STATE/calls"; }
    take_snapshot() { is_free >>"$STATE/calls"; }
    """
    assert renew(member, more).returncode == 0
    assert calls(member) == ["locked", "free"]


def test_a_step_that_waits_has_its_turn_between_two_leaves(member: Disk) -> None:
    for name in ("etcd-server", "apiserver"):
        (member.state / f"leaf-{name}").write_text("due")
    more = """
    TURN_SECONDS=1
    renew_leaf() {
      echo "$1" >>"$STATE/calls"
      [[ $1 == etcd-server ]] || return 0
      (exec 9>&-; flock "$STATE/lock" -c "echo step >>$STATE/calls") &
      sleep 0.5
    }
    """
    assert renew(member, more).returncode == 0
    assert calls(member) == ["etcd-server", "step", "apiserver"]


def test_it_is_no_step_that_changes_what_is_declared(member: Disk) -> None:
    """Differences are reported meanwhile: it touches no file that they are looked for in."""
    (member.state / "leaf-apiserver").write_text("due")
    assert renew(member).returncode == 0
    assert not (member.state / "changing").exists()
    assert member.run("lib_begin").returncode == 0
    assert (member.state / "changing").exists()


@contextmanager
def active_step(disk: Disk) -> Iterator[None]:
    """A step of the program that holds the machine's lock once it is let through."""
    program = f'exec 9>"{disk.state}/lock"; flock 9; echo; read -r'
    with subprocess.Popen(
        ["bash", "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as step:
        assert step.stdout and step.stdin
        step.stdout.readline()
        yield
        step.stdin.close()


def test_a_snapshot_that_a_step_prevents_is_put_off(member: Disk) -> None:
    """The step may have stopped etcd for a moment."""
    (member.state / "due").touch()
    (member.state / "broken").touch()
    with active_step(member):
        begin = "lib_begin() { set -Eeuo pipefail; LIB_STARTED=0; exec 9>>$STATE/lock; }"
        ran = renew(member, f"LEAVES=()\n{begin}")
    assert ran.returncode == 0, ran.stderr
    assert "since a step is active on this machine: etcd is not running" in ran.stdout
    assert failures(member) == []


def test_a_timer_that_no_longer_runs_is_a_failure(member: Disk) -> None:
    assert renew(member).returncode == 0
    assert failures(member) == []
    row = "run\t2026-01-01T00:00:00Z\tsucceeded\t2026-01-01T06:00:00Z\n"
    (member.state / "renewals").write_text(row)
    assert failures(member) == ["run\tit has not run since 2026-01-01T00:00:00Z"]


def test_a_timer_need_not_have_run_while_its_machine_was_off(member: Disk) -> None:
    row = "run\t2026-01-01T00:00:00Z\tsucceeded\t2026-01-01T06:00:00Z\n"
    (member.state / "renewals").write_text(row)
    assert failures(member, seconds_up=5 * 3600) == []
    assert failures(member, seconds_up=7 * 3600) != []


def test_a_reason_is_one_line_without_the_advice(member: Disk) -> None:
    (member.state / "leaf-apiserver").write_text("due")
    more = """
    renew_leaf() {
      printf 'a first line\\nno\\tsuch file\\n' >&2
      echo '{"level":"info","msg":"fetching snapshot"}' >&2
      echo 'To see the stack trace of this error execute with --v=5 or higher' >&2
      die "'renew-apiserver kubeadm' failed" "fix it"
    }"""
    renew(member, more)
    assert failures(member) == ["apiserver\tno such file 'renew-apiserver kubeadm' failed"]


@pytest.fixture
def with_timer(disk: Disk) -> Disk:
    units = disk.folder / "etc/systemd/system"
    units.mkdir(parents=True)
    (units / TIMER).touch()
    return disk


def test_a_machine_without_the_timer_starts_and_stops_none(disk: Disk) -> None:
    call = f"{SYSTEMCTL}start_timers; stop_timers; use_timers"
    assert disk.run(call, "timers").returncode == 0
    assert calls(disk) == []


def test_a_machine_that_has_joined_renews_from_then_on(with_timer: Disk) -> None:
    kubelet = with_timer.folder / "var/lib/kubelet"
    kubelet.mkdir(parents=True)
    (kubelet / "kubeadm-flags.env").touch()
    ran = with_timer.run(f"{SYSTEMCTL}MEMBERSHIP=m; record_membership", "join")
    assert ran.returncode == 0, ran.stderr
    assert calls(with_timer)[-1] == f"start {TIMER}"


def test_a_reset_stops_the_timer_and_what_it_runs_before_anything_else(with_timer: Disk) -> None:
    call = f"{SYSTEMCTL}stop_load_balancer() {{ exit; }}; step_reset"
    assert with_timer.run(call, "reset").returncode == 0
    assert calls(with_timer) == [
        f"disable --quiet --now {TIMER}",
        "stop kubeadm-fleet-renewal.service",
    ]
