"""The fleet command with the real engine."""

import os
import re
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from model.paths import toolchain_dir
from tests.scripts.conftest import TOP
from tests.scripts.throwaway import Clone, finish, kill_whole, on_terminal
from tests.waiting import await_true

pytestmark = pytest.mark.slow


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_preview_of_a_new_stack_leaves_nothing(clone: Clone, tmp_path: Path) -> None:
    shown = clone.fleet("preview")
    assert "dev: +1 ~0 -0" in shown
    assert re.search(r"^==> preview dev … \d+\.\d s$", shown, re.MULTILINE)
    assert not clone.state.exists()
    assert list((tmp_path / "tmp").iterdir()) == []
    assert clone.changed_files() == ""


def test_up_writes_the_kubeconfig_and_down_leaves_only_the_passphrase(clone: Clone) -> None:
    shown = clone.fleet("up")
    assert "slow created" in shown
    assert "dev: +1 ~0 -0" in shown
    assert f"export KUBECONFIG={clone.kubeconfig}" in shown
    # Nothing listens there: the table says so, and `up` succeeds all the same.
    assert re.search(r"^cluster1 .*API unreachable: .*refused", shown, re.MULTILINE)
    assert "top-secret-token" not in shown
    assert _mode(clone.kubeconfig) == 0o600
    assert _mode(clone.state) == 0o700
    assert _mode(clone.state / "passphrase") == 0o600
    assert clone.changed_files() == ""
    state = clone.state / "backend/.pulumi/stacks/kubeadm-fleet/dev.json"
    assert "top-secret-token" not in state.read_text()

    kubeconfig = clone.kubeconfig.read_text()
    clone.kubeconfig.unlink()
    clone.fleet("kubeconfig")
    assert clone.kubeconfig.read_text() == kubeconfig
    assert "dev: no changes (1 resource)" in clone.fleet("refresh")

    records = clone.state / "backend/.pulumi"
    other = records / "backups/kubeadm-fleet/other/other.json"
    other.parent.mkdir(parents=True)
    other.touch()
    ended = clone.fleet("down")
    assert "dev: +0 ~0 -1" in ended
    assert f"Removed {records / 'backups/kubeadm-fleet/dev'}: copies of the stack's" in ended
    assert [str(path) for path in records.rglob("*") if "dev" in path.name] == []
    assert other.exists(), "the copies of another stack"
    assert not clone.kubeconfig.exists()
    assert not (clone.folder / "kubeconfigs").exists()
    assert not state.exists()
    assert (clone.state / "passphrase").exists()
    assert "nothing to destroy" in clone.fleet("down")
    assert clone.changed_files() == ""


def test_down_on_a_machine_that_never_had_a_stack(clone: Clone) -> None:
    assert "nothing to destroy" in clone.fleet("down")
    assert not clone.state.exists()


def test_two_clones_of_one_user_share_the_stack(clone: Clone, tmp_path: Path) -> None:
    clone.fleet("up")
    other = Clone.make(tmp_path / "other", clone.state)
    assert "dev: no changes (1 resource)" in other.fleet("up")
    other.fleet("pulumi", "config", "set", "--secret", "sshPrivateKey", stdin="the key\n")
    tracked = other.folder / "Pulumi.dev.yaml"
    tracked.write_text(tracked.read_text().replace("kubernetesVersion: 1.36.3", "changed: here"))
    assert re.search(r"\+ key +: \[secret\]", other.fleet("up", "--verbose"))
    private = clone.state / "config/Pulumi.dev.yaml"
    assert "changed: here" in private.read_text()
    assert "the key" not in private.read_text()
    # The first clone's file rules in the first clone; the secret is the user's and stays.
    assert "dev: no changes (1 resource)" in clone.fleet("up")
    assert "changed: here" not in private.read_text()
    assert clone.fleet("pulumi", "config", "get", "sshPrivateKey").strip() == "the key"
    assert clone.changed_files() == ""
    assert other.changed_files() == " M Pulumi.dev.yaml\n"


def test_two_users_have_stacks_of_their_own(clone: Clone, tmp_path: Path) -> None:
    second = Clone.make(tmp_path / "second", tmp_path / "state of the second")
    for user in (clone, second):
        assert "dev: +1 ~0 -0" in user.fleet("up")
        assert user.changed_files() == ""
    passphrases = {(user.state / "passphrase").read_text() for user in (clone, second)}
    assert len(passphrases) == 2


def test_two_first_runs_at_once_agree_on_the_passphrase(clone: Clone, tmp_path: Path) -> None:
    other = Clone.make(tmp_path / "other", clone.state)
    runs = [user.start("pulumi", "stack", "ls") for user in (clone, other)]
    for run in runs:
        finish(run)
    clone.fleet("pulumi", "config", "set", "--secret", "sshPrivateKey", stdin="the key")
    assert other.fleet("pulumi", "config", "get", "sshPrivateKey").strip() == "the key"


def test_only_secrets_can_be_set_outside_the_tracked_file(clone: Clone) -> None:
    refused = clone.fleet("pulumi", "config", "set", "colour", "green", status=2)
    assert "Pulumi.dev.yaml" in refused


def test_the_engine_does_not_change_a_passphrase_in_the_tracked_file(clone: Clone) -> None:
    change = ("pulumi", "stack", "change-secrets-provider", "passphrase")
    assert "docs/security.md" in clone.fleet(*change, status=2)
    assert clone.changed_files() == ""


def test_a_stack_without_a_file_is_rejected_with_the_names_of_others(
    clone: Clone,
) -> None:
    refused = clone.fleet("up", "staging", status=2)
    assert "no stack file Pulumi.staging.yaml" in refused
    assert "stacks here: dev, prod" in refused
    assert not clone.state.exists()


def test_a_lost_passphrase_is_not_replaced_by_another(clone: Clone) -> None:
    clone.fleet("up")
    passphrase = clone.state / "passphrase"
    passphrase.unlink()
    lost = clone.fleet("preview", status=2)
    assert "passphrase, the passphrase of the stacks dev, is missing: restore it" in lost
    assert not passphrase.exists()

    passphrase.write_text("another")
    for verb in ("preview", "refresh"):
        wrong = clone.fleet(verb, status=2)
        assert "incorrect passphrase" in wrong
        assert wrong.rstrip().endswith("See docs/runbooks/passphrase-lost.md.")
        assert "no changes" not in wrong


def test_a_failing_program_is_reported_without_a_traceback(clone: Clone) -> None:
    (clone.folder / "__main__.py").write_text("raise SystemExit('broken on purpose')\n")
    shown = clone.fleet("up", status=2)
    assert "broken on purpose" in shown
    assert "fleet: up dev failed" in shown
    assert "Traceback" not in shown


def test_a_failure_does_not_stop_independent_resources(clone: Clone) -> None:
    stack_file = clone.folder / "Pulumi.dev.yaml"
    stack_file.write_text(f"{stack_file.read_text()}  kubeadm-fleet:broken: true\n")
    shown = clone.fleet("up", status=2)
    assert "broken on purpose" in shown
    assert "slow created" in shown
    assert clone.kubeconfig.exists()
    assert re.search(r"^cluster1 .*API unreachable", shown, re.MULTILINE)
    assert shown.rstrip().endswith("run `fleet up` again to resume.")


def _with_own_backend(folder: Path, **variables: str) -> Clone:
    """A clone whose user has a backend and a passphrase of their own."""
    return Clone.make(
        folder / "own",
        folder / "unused",
        PULUMI_BACKEND_URL=f"file://{_made(folder / 'backend')}",
        PULUMI_CONFIG_PASSPHRASE="mine",
        **variables,
    )


def test_an_external_backend_is_used_as_pulumi_does(clone: Clone, tmp_path: Path) -> None:
    own = _with_own_backend(
        tmp_path,
        PULUMI_SKIP_UPDATE_CHECK="true",
        PULUMI_HOME=str(tmp_path / "home"),
        PATH=os.pathsep.join([str(toolchain_dir()), str(TOP / ".venv/bin"), os.environ["PATH"]]),
    )
    assert "dev: +1 ~0 -0" in own.fleet("up")
    assert not own.state.exists()
    # Plain `pulumi` finds the same stack, unchanged.
    plain = own.start_command("pulumi", "up", "--yes", "--skip-preview", "--stack", "dev")
    assert "2 unchanged" in finish(plain)
    assert "encryptionsalt" in (own.folder / "Pulumi.dev.yaml").read_text()
    own.fleet("down")
    assert "config:" in (own.folder / "Pulumi.dev.yaml").read_text()


def test_text_that_the_engine_would_change_is_rejected_with_an_external_backend_too(
    tmp_path: Path,
) -> None:
    own = _with_own_backend(tmp_path)
    stack_file = own.folder / "Pulumi.dev.yaml"
    text = stack_file.read_text().replace("cluster1:", "010:")
    stack_file.write_text(text)
    assert "010 is read as a number: quote it" in own.fleet("up", status=2)
    assert stack_file.read_text() == text
    assert not list((tmp_path / "backend").glob(".pulumi/stacks/*/dev*"))


def test_the_preview_of_a_new_stack_does_not_change_an_external_backend(tmp_path: Path) -> None:
    backend = _made(tmp_path / "backend")
    own = Clone.make(tmp_path / "own", tmp_path / "unused", PULUMI_BACKEND_URL=f"file://{backend}")
    assert "dev: +1 ~0 -0" in own.fleet("preview")
    assert not list(backend.glob(".pulumi/stacks/*/dev*"))
    assert own.changed_files() == ""


def _protect(clone: Clone) -> None:
    stack_file = clone.folder / "Pulumi.dev.yaml"
    text = stack_file.read_text()
    stack_file.write_text(text.replace("    machines:", "    protect: true\n    machines:", 1))


def test_a_protected_stack_is_not_changed_without_a_terminal(clone: Clone) -> None:
    _protect(clone)
    refused = clone.fleet("up", status=2)
    assert "the stack dev has `protect: true`" in refused
    assert "`fleet up dev --yes`" in refused
    stack_file = clone.folder / "Pulumi.dev.yaml"
    text = stack_file.read_text()
    stack_file.write_text(text.replace("    machines:", "    machinse:", 1))
    refused = clone.fleet("up", status=2)
    assert "machinse" in refused
    assert "no terminal" not in refused
    stack_file.write_text(text)
    assert not clone.state.exists()
    assert "slow created" in clone.fleet("up", "--yes")


@pytest.mark.parametrize(("answer", "status"), [("n", 1), ("y", 0)])
def test_a_protected_stack_shows_its_plan_and_asks(clone: Clone, answer: str, status: int) -> None:
    _protect(clone)
    shown = on_terminal(
        clone, "up", when="Apply these changes to dev?", answer=answer, status=status
    )
    plan, asked, rest = shown.partition("Apply these changes to dev?")
    assert asked
    assert "dev: +1 ~0 -0" in plan
    assert ("slow created" in rest) == (answer == "y")
    assert clone.kubeconfig.exists() == (answer == "y")


def test_the_complete_plan_is_in_the_file_and_not_on_the_terminal(
    clone: Clone, tmp_path: Path
) -> None:
    file = tmp_path / "plan.txt"
    shown = clone.fleet("preview", "--plan-file", str(file))
    assert "pulumi:pulumi:Stack" not in shown
    assert "pulumi:pulumi:Stack" in file.read_text()
    assert "pulumi:pulumi:Stack" in clone.fleet("preview", "--verbose")


def test_status_reports_problems(clone: Clone) -> None:
    assert "does not exist: create it with `fleet up dev`" in clone.fleet("status", status=2)
    clone.fleet("up")
    shown = clone.fleet("status", status=1)
    assert "CLUSTER" in shown
    assert re.search(r"^cluster1 +Unknown .*region=tokyo$", shown, re.MULTILINE)
    assert re.search(
        r"^cluster1 +Unknown +Error +APIUnreachable .*refused: see docs", shown, re.MULTILINE
    )
    missing = "in the stack's file, but it does not exist: `fleet up` creates it"
    assert re.search(
        rf"^cluster2 +False +Warning +ClusterMissing .*{missing}$", shown, re.MULTILINE
    )
    of_tokyo = clone.fleet("status", "-l", "region=tokyo", status=1)
    assert "APIUnreachable" in of_tokyo
    assert missing not in of_tokyo
    refused = clone.fleet("status", "-l", "region!=tokyo", status=2)
    assert "no cluster of the stack dev matches the selector region!=tokyo" in refused


def _lock(clone: Clone) -> Path:
    (lock,) = (clone.state / "backend/.pulumi/locks").glob("*/*/*/*.json")
    return lock


@pytest.fixture
def holding(tmp_path: Path) -> Iterator[Clone]:
    """A clone whose `up` creates nothing until the test lets it."""
    hold = tmp_path / "hold"
    hold.touch()
    yield Clone.make(tmp_path / "held", tmp_path / "state", HOLD=str(hold))
    hold.unlink(missing_ok=True)


def test_the_lock_of_a_killed_run_is_reported_with_the_command_that_removes_it(
    holding: Clone, tmp_path: Path
) -> None:
    hold = tmp_path / "hold"
    killed = holding.start("up")
    await_true(lambda: hold.read_text() == "creating", "the create")

    busy = holding.fleet("up", status=2)
    assert "which is still running: wait for it" in busy
    assert "pulumi cancel" not in busy
    assert busy.count("\n") == 1, "one message, without the nodes and without advice to resume"
    assert re.search(r"locked since [\d-]{10} [\d:]{8} by ", busy)

    kill_whole(killed)
    hold.unlink()
    refused = holding.fleet("up", status=2)
    assert "is no longer running" in refused
    match = re.search(r"^  (fleet .*)$", refused, re.MULTILINE)
    assert match is not None, refused
    finish(holding.start_command(*f".venv/bin/{match[1]}".split()))
    shown = holding.fleet("up")
    assert "created" in shown
    assert "interrupted while it changed slow;" in shown
    assert "interactively" not in shown
    holding.fleet("refresh")
    assert "interrupted" not in holding.fleet("up")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_terminated_run_leaves_no_lock(
    holding: Clone, tmp_path: Path, how: signal.Signals
) -> None:
    hold = tmp_path / "hold"
    stopped = holding.start("up")
    await_true(lambda: hold.read_text() == "creating", "the create")
    assert _lock(holding).exists()
    if how is signal.SIGINT:
        os.killpg(stopped.pid, how)  # as the terminal does
    else:
        stopped.send_signal(how)
    hold.unlink()
    printed, _ = stopped.communicate(timeout=60)
    assert stopped.returncode == 128 + signal.SIGINT
    assert "fleet: up dev was interrupted" in printed
    assert list((holding.state / "backend/.pulumi/locks").glob("*/*/*/*.json")) == []


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_reaches_a_provider_that_waits(tmp_path: Path, how: signal.Signals) -> None:
    """It ends by itself: what it waits for never comes."""
    hold = tmp_path / "hold"
    hold.touch()
    clone = Clone.make(tmp_path / "held", tmp_path / "state", HOLD=str(hold), STOPS="1")
    stopped = clone.start("up")
    await_true(lambda: hold.read_text() == "creating", "the create")
    stopped.send_signal(signal.SIGTERM) if how is signal.SIGTERM else os.killpg(stopped.pid, how)
    printed, _ = stopped.communicate(timeout=60)
    assert stopped.returncode == 128 + signal.SIGINT, printed
    assert "interrupted: it was not made" in printed
    assert "fleet: up dev was interrupted" in printed
