"""How a step is sent to a machine: a script, and settings that bash reads back unchanged."""

import subprocess
from pathlib import Path

import pytest
import yaml

from components.providers.step import digest, function_of
from model.render.kubeadm import JOIN_DISCOVERY
from model.render.node_scripts import assignments, source

STEPS = ("prepare", "init", "control-plane", "worker")
ODD = {
    "quotes": 'it\'s "quoted" `here` $(and there) ${HOME} \\ !event',
    "lines": "first\n\n  second\twith a tab  \n",
    "only_a_newline": "\n",
    "nothing": "",
    "globs": "* ? [a-z] {1..3} ~root # no comment ; & | > < ( )",
    "letters": "東京 → Zürich",
    "equals": "A=1 B=2",
    "dash": "-n -e --",
    "here_document": "<<EOF\nEOF\n'EOF'",
    "control": "\x01\x07\x1b[31m",
    "pem": "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE+/=\n-----END EC PRIVATE KEY-----\n",
}


@pytest.mark.parametrize("name", sorted(ODD))
def test_bash_reads_back_every_value(name: str) -> None:
    settings = assignments({"VALUE": ODD[name], "ZLAST": "end"})
    program = f"{settings}printf '%s' \"$VALUE\"; printf '|%s' \"$ZLAST\""
    assert _bash('eval "$(cat)"', program.encode()) == f"{ODD[name]}|end".encode()


def test_values_are_not_executed(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    settings = assignments({"VALUE": f"'; touch {trace}; $(touch {trace}) `touch {trace}` '"})
    _bash('eval "$(cat)"', settings.encode())
    assert not trace.exists()


@pytest.mark.parametrize("script", STEPS)
def test_a_script_defines_the_function_of_its_step(script: str) -> None:
    # Only read: what stands outside of functions belongs to a machine.
    function = f"{function_of(script)}() {{"
    assert source(script).splitlines().count(function) == 1


def test_another_script_or_setting_is_another_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    before = digest("worker", {"NAME": "node"})
    assert digest("worker", {"NAME": "node"}) == before
    assert digest("worker", {"NAME": "another"}) != before
    monkeypatch.setattr("model.render.node_scripts.source", lambda script: f"# other {script}")
    assert digest("worker", {"NAME": "node"}) != before


@pytest.mark.parametrize("script", ["worker", "control-plane"])
def test_kubeadm_learns_of_the_cluster_by_the_files_of_the_join(script: str) -> None:
    text = f"{source(script)}\nENDPOINT=[2001:db8::1]:6443\ndiscovery_file"
    document = yaml.safe_load(_bash('eval "$(cat)"', text.encode()))
    (cluster,), (context,), (user,) = (document[key] for key in ("clusters", "contexts", "users"))
    assert context["name"] == document["current-context"]
    assert context["context"] == {"cluster": cluster["name"], "user": user["name"]}
    folder = JOIN_DISCOVERY.rpartition("/")[0]
    assert cluster["cluster"] == {
        "server": "https://[2001:db8::1]:6443",
        "certificate-authority": f"{folder}/ca.crt",
    }
    pem = f"{folder}/client.pem"
    assert user["user"] == {"client-certificate": pem, "client-key": pem}


def _bash(command: str, given: bytes) -> bytes:
    finished = subprocess.run(
        ["bash", "-c", command], input=given, capture_output=True, timeout=10, check=True
    )
    return finished.stdout
