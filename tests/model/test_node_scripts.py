"""The scripts that run on machines: complete, ordered, and without name clashes."""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from model.render import node_scripts
from model.render.node_scripts import ScriptError, closure, compose, read, source
from ops.hosts.operations import OPERATIONS
from ops.rollout.node_operations import ON_A_MEMBER

# Each text that is sent to a machine, and the functions of it that are called there.
TEXTS = {
    "prepare": ("step_prepare",),
    "init": ("step_init", "snapshot_required"),
    "control-plane": ("step_control_plane",),
    "worker": ("step_worker",),
    "reset": ("step_reset",),
    "enrollment": ("claim_host", "reassign_host", "receive_artifacts", "sync_artifacts"),
    "upgrade": tuple(name for name in OPERATIONS if OPERATIONS[name].script == "upgrade"),
    "apply": ("apply_files",),
    "permissions": ("apply_permissions",),
    "client_authorities": ("apply_client_authorities",),
    "api_server_secrets": ("apply_api_server_secrets",),
    "revocation": ("revoke_client", "restart_api_server"),
    "issuance": (
        *("issue_invalid_leaves", "install_kubelet_certificate"),
        *("rotate_kubelet", "renew_former_leaves", "reread_trust"),
    ),
    "trust": ("apply_trust", "apply_worker_trust"),
    "image_restore": ("restore_images",),
    "patches": ("survey_patches",),
    "patching": ("stage_patches", "install_patches", "record_patched"),
    "reboot": ("reboot_machine",),
    "pod_shutdown": ("end_pods",),
    "boot_id": ("boot_id",),
    "restore": ("receive_snapshot",),
    "renewal": ("renew_by_clock",),
    "drift_report": ("report_drift",),
    "serving": ("renew_serving",),
    "health": ("await_health",),
    "applied_state": ("inspect", "record_initial", "record_applied", "register"),
    "node_facts": ("node_facts",),
    "host_facts": ("host_facts",),
    "root_check": ("root_check",),
    "certificate_facts": ("certificate_facts",),
    "cis_facts": ("cis_facts",),
    "kept_snapshots": ("list_snapshots", "send_snapshot"),
    "support": ("support_facts",),
    "snapshot_now": ("snapshot_now",),
    "logs": ("unit_log", "container_log"),
    "audit_log": ("audit_log",),
    "ports": ("try_ports",),
}
READERS = (
    *("host_facts", "root_check", "node_facts", "applied_state", "certificate_facts"),
    *(
        "cis_facts",
        "kept_snapshots",
        "logs",
        "audit_log",
        "support",
        "ports",
        "boot_id",
        "drift_report",
    ),
)
# A shutdown waits for no step.
UNLOCKED = ("pod_shutdown",)
# A program of its own, which a container machine has as a file.
FILES = sorted(file.stem for file in node_scripts.NODE_SCRIPTS.glob("*.sh"))
PIECES = [name for name in FILES if name != "container-boot"]
FUNCTION = re.compile(r"^(\w+)\(\) {", re.MULTILINE)
CONSTANT = re.compile(r"^([A-Z_]+)=", re.MULTILINE)
# Words after which a command stands.
CALLED = r"(?:^|[;({|!&]|\b(?:then|do|else|if|elif|until|while|proxied|logged \S+))\s*(?:\w+=\S+ )*"


def settings(script: str) -> set[str]:
    """What the headers of a text's files say that they take."""
    headers = (
        re.findall(r"^# settings: (.+)$", read(name), re.MULTILINE) for name in closure(script)
    )
    return {name for header in headers for line in header for name in line.split()}


def bash(program: str, given: str) -> str:
    ended = subprocess.run(
        ["bash", "-c", program], input=given, capture_output=True, text=True, timeout=10
    )
    assert not ended.stderr
    return ended.stdout


@pytest.mark.parametrize("script", TEXTS)
def test_composed_script_passes_shellcheck(script: str) -> None:
    """Nothing is excluded: a variable that is never set, or never read, is a mistake."""
    found = subprocess.run(
        [
            str(Path(sys.executable).parent / "shellcheck"),
            *("--shell=bash", "--enable=check-unassigned-uppercase", "-"),
        ],
        input=compose(script, dict.fromkeys(settings(script), "given")),
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize("script", TEXTS)
def test_script_defines_the_functions_it_calls(script: str) -> None:
    defined = Counter(FUNCTION.findall(source(script)))
    assert [defined[name] for name in TEXTS[script]] == [1] * len(TEXTS[script])


def test_every_file_is_part_of_a_script() -> None:
    assert {name for script in TEXTS for name in closure(script)} == set(PIECES)


def test_every_called_function_is_tested() -> None:
    operations = list(ON_A_MEMBER.values())
    assert {each.script for each in operations} <= set(TEXTS)
    for each in operations:
        assert set(each.settings) <= settings(each.script)


def test_every_operation_verifies_whose_machine_it_runs_on() -> None:
    unverified = {name for name, each in ON_A_MEMBER.items() if "MACHINE_ID" not in each.settings}
    readers = {"node_facts", "certificate_facts", "list_snapshots", "send_snapshot"}
    readers |= {"cis_facts", "unit_log", "container_log", "audit_log", "support_facts"}
    harmless = {"snapshot_now", "survey_patches"}
    assert unverified == readers | harmless, "they only read, or ask its own etcd or apt"


def test_no_function_is_defined_twice() -> None:
    """A later file would silently replace what an earlier one means by the name."""
    names = Counter(
        name
        for piece in PIECES
        for name in FUNCTION.findall(read(piece)) + CONSTANT.findall(read(piece))
    )
    assert [name for name, times in names.items() if times > 1] == []


@pytest.mark.parametrize("piece", PIECES)
def test_file_requires_what_it_calls(piece: str) -> None:
    owners = {name: file for file in PIECES for name in FUNCTION.findall(read(file))}
    constants = {name: file for file in PIECES for name in CONSTANT.findall(read(file))}
    code = re.sub(r"^\s*#.*$", "", read(piece), flags=re.MULTILINE)
    used = {
        file
        for name, file in owners.items()
        if re.search(rf"{CALLED}{name}\b(?![-=./])", code, re.MULTILINE)
    } | {file for name, file in constants.items() if re.search(rf"\$\{{?[#!]?{name}\b", code)}
    assert used <= set(closure(piece))


@pytest.mark.parametrize("script", TEXTS)
def test_read_only_scripts_change_nothing(script: str) -> None:
    """bash names each command before it runs it; an assignment is one, a definition is none."""
    trace = """set -T; trap 'echo "$BASH_COMMAND"' DEBUG; eval "$(cat)"; trap - DEBUG"""
    ran = bash(trace, compose(script, dict.fromkeys(settings(script), "given"))).splitlines()
    others = [line for line in ran if not re.match(r"[A-Z_]+=", line)]
    assert others == ['eval "$(cat)"', "cat", "trap - DEBUG"]


@pytest.mark.parametrize("piece", FILES)
def test_curl_reads_no_settings_of_the_host(piece: str) -> None:
    """A proxy in ~/.curlrc would get the requests to this machine's own API server."""
    assert re.findall(r"\bcurl (?!--disable )-.*", read(piece)) == []


@pytest.mark.parametrize(
    "script, call",
    [
        (script, call)
        for script in TEXTS
        if script not in (*READERS, *UNLOCKED)
        for call in TEXTS[script]
    ],
)
def test_scripts_that_change_a_machine_take_the_lock_first(script: str, call: str) -> None:
    given = compose(script, dict.fromkeys(settings(script), "given"))
    # Without a PATH nothing of this host can be touched.
    program = f'eval "$(cat)"; PATH=; lib_begin() {{ echo locked; exit; }}; {call}'
    assert bash(program, given) == "locked\n"


def test_each_file_follows_its_requirements_and_occurs_once(pieces: Path) -> None:
    write(pieces, a="", b="a", c="a", top="c b a")
    assert closure("top") == ("a", "c", "b", "top")
    assert source("top").count("# a\n") == 1


def test_circular_requirement_is_rejected(pieces: Path) -> None:
    write(pieces, a="b", b="c", c="a")
    with pytest.raises(ScriptError, match="a -> b -> c -> a"):
        closure("a")


def test_unknown_requirement_is_rejected(pieces: Path) -> None:
    write(pieces, a="gone")
    with pytest.raises(ScriptError, match=r"a\.sh requires 'gone', which does not exist"):
        closure("a")
    with pytest.raises(ScriptError, match=r"no scripts/node/gone\.sh"):
        closure("gone")


def test_script_does_not_depend_on_the_caller() -> None:
    """It is hashed into previews."""
    program = "from model.render.node_scripts import source; print(source('upgrade'), end='')"
    for seed in ("1", "2"):
        printed = subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
        )
        assert printed.stdout == source("upgrade"), printed.stderr


@pytest.mark.parametrize("piece", PIECES)
def test_file_ends_with_a_newline(piece: str) -> None:
    """Otherwise its last line and the next file's first would be one."""
    assert read(piece).endswith("\n")


@pytest.fixture
def pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("model.render.node_scripts.NODE_SCRIPTS", tmp_path)
    source.cache_clear()
    return tmp_path


def write(folder: Path, **required: str) -> None:
    for name, header in required.items():
        requires = f"# requires: {header}\n" if header else ""
        (folder / f"{name}.sh").write_text(f"#!/usr/bin/env bash\n{requires}# {name}\n")
