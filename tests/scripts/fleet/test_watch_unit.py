"""`fleet watch --print-unit`: systemd takes it, and what a unit cannot have is refused."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from model.watch import unit
from scripts.fleet import watch_unit
from scripts.fleet.commands.watch import command

KUBECONFIG = ("--kubeconfig", "/etc/kubeadm-fleet/watch.kubeconfig")
# Of ten: what may be reached over the network, and by whom, is the host's firewall's business.
EXPOSURE_TENTHS = 15


def printed(*words: str) -> Result:
    return CliRunner().invoke(command, [*words, "--print-unit"])


def started(text: str) -> str:
    (line,) = [line for line in text.splitlines() if line.startswith("ExecStart=")]
    return line


def analyze(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, check=False)


def test_systemd_takes_the_unit_and_it_can_change_nothing(tmp_path: Path) -> None:
    result = printed(
        *KUBECONFIG,
        *("--cluster", "c$1", "--cluster", 'a "b" 50%', "-o", "json", "--certificates", "2d"),
        *("--events", "/var/log/kubeadm-fleet-watch/events.jsonl"),
        *("--slack", "@/etc/kubeadm-fleet/slack", "--webhook", "http://127.0.0.1:1/?a=%20"),
        *("--metrics", "[::1]:9877"),
    )
    assert result.exit_code == 0, result.output
    assert started(result.stdout) == (
        f'ExecStart="{sys.prefix}/bin/fleet" "watch" "--kubeconfig" "%d/kubeconfig"'
        ' "--cluster" "c$$1" "--cluster" "a \\"b\\" 50%%" "--output" "json"'
        ' "--events" "%L/kubeadm-fleet-watch/events.jsonl" "--metrics" "[::1]:9877"'
        ' "--webhook" "http://127.0.0.1:1/?a=%%20" "--slack" "@%d/slack"'
        ' "--certificates" "172800s" "--state" "%S/kubeadm-fleet-watch/state.json"'
    )
    file = tmp_path / f"{unit.NAME}.service"
    file.write_text(result.stdout)
    verified = analyze("verify", "--man=no", "--recursive-errors=no", str(file))
    assert (verified.returncode, verified.stderr) == (0, "")
    safe = analyze("security", "--offline=true", f"--threshold={EXPOSURE_TENTHS}", str(file))
    assert safe.returncode == 0, safe.stdout
    file.write_text(result.stdout.replace("DynamicUser=", "Dynamic=").replace("Caps", "Cups"))
    assert "Unknown key" in analyze("verify", "--recursive-errors=no", str(file)).stderr


def test_only_what_was_given_is_in_the_command_and_no_stack() -> None:
    result = printed("prod", *KUBECONFIG, "-s", "prod")
    assert started(result.stdout).endswith(
        '"watch" "--kubeconfig" "%d/kubeconfig" "--state" "%S/kubeadm-fleet-watch/state.json"'
    )
    loaded = f"LoadCredential=kubeconfig:{KUBECONFIG[1]}"
    assert [line for line in result.stdout.splitlines() if "Credential" in line] == [loaded]


def test_a_relative_file_is_named_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert f"LoadCredential=kubeconfig:{tmp_path}/k\n" in printed("--kubeconfig", "k").stdout


def test_a_program_that_the_unit_could_not_read_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch_unit, "PROJECT", Path("/home/me/kubeadm-fleet"))
    result = printed(*KUBECONFIG)
    assert result.exit_code == 0
    assert "cannot read /home/me/kubeadm-fleet" in result.stderr
    monkeypatch.setattr(watch_unit, "HOMES", ())
    assert printed(*KUBECONFIG).stderr == ""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "name a credential that only reads"),
        (("--user", "watch"), "write one with `fleet kubeconfig --user watch`"),
        ((*KUBECONFIG, "--state", "/x"), "leave --state out"),
        ((*KUBECONFIG, "--events", "/var/log/x"), "below /var/log/kubeadm-fleet-watch only"),
        ((*KUBECONFIG, "--slack", "env:HOOK"), "give @FILE, not env:HOOK"),
        ((*KUBECONFIG, "--slack", "@/a/x", "--webhook", "@/b/x"), "two files are named x"),
        ((*KUBECONFIG, "--slack", "@/a/kubeconfig"), "two files are named kubeconfig"),
        ((*KUBECONFIG, "--slack", "@/a/x:y"), "/a/x:y: rename it"),
        (("--kubeconfig", "/a\nExecStartPre=/x"), "cannot be printed"),
        ((*KUBECONFIG, "--cluster", "a\nUser=root"), "cannot be printed"),
    ],
)
def test_what_a_unit_cannot_have_is_refused(words: tuple[str, ...], message: str) -> None:
    result = printed(*words)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert message in " ".join(result.stderr.split())


def test_one_file_for_two_webhooks_is_loaded_once() -> None:
    text = printed(*KUBECONFIG, "--slack", "@/a/x", "--webhook", "@/a/x").stdout
    assert text.count("LoadCredential=x:/a/x\n") == 1
    assert '"--webhook" "@%d/x" "--slack" "@%d/x"' in text
