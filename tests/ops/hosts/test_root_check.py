"""Facts of a host over a connection: what runs as root there, and how often sudo is asked."""

import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from model.render import node_scripts
from ops.hosts.enrollment import Enrollment
from ops.hosts.login import Login
from ops.hosts.ssh import Finished

# Everybody is root with it, who has the password.
SUDO = """#!/bin/bash
echo "sudo: unable to resolve host vm: Temporary failure in name resolution" >&2
echo "$@" >>"$ASKED"
while [[ $1 == -* ]]; do
  [[ $1 != --stdin ]] || read -r given
  shift
done
[[ ${given:-} == "$PASSWORD" ]] || { echo "sudo: 1 incorrect password attempt" >&2; exit 1; }
[[ $1 != id ]] || { echo 0; exit; }
exec "$@"
"""
ID = "#!/bin/bash\necho 1000\n"
FACTS = 'host_facts() { printf \'root\\t%s %s\\n\' "${ROOT_REFUSAL:-yes}" "$PATHS"; }'


class Host:
    """A connection to this host, whose user has the programs in a folder."""

    def __init__(self, login: Login, folder: Path, password: str) -> None:
        self.login = login
        self.asked = folder / "asked"
        path = f"{folder}:/usr/bin:/bin"
        self._environment = {"PATH": path, "ASKED": str(self.asked), "PASSWORD": password}
        for name, text in {"sudo": SUDO, "id": ID}.items():
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)

    def run(self, command: str, stream: Iterable[bytes], *, seconds: float, **_: Any) -> Finished:
        ran = subprocess.run(
            ["bash", "-c", command],
            input=b"".join(stream),
            env=self._environment,
            capture_output=True,
            timeout=seconds,
        )
        return Finished(ran.returncode, ran.stdout.decode(), ran.stderr.decode())


@pytest.mark.parametrize(
    ("sudo", "password", "given", "said", "asked"),
    [
        (False, "", None, "the user is not root", 0),
        (True, "", None, "yes", 2),
        (True, "a b", "a b", "yes", 2),
        (True, "a b", "wrong", "sudo: 1 incorrect password attempt", 1),
    ],
)
def test_sudo_is_asked_twice_at_most(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    sudo: bool,
    password: str,
    given: str | None,
    said: str,
    asked: int,
) -> None:
    """It may take many seconds each time, and a wrong password may lock the user out."""
    host: Any = Host(Login("vm", 22, "u", sudo=sudo, sudo_password=given), tmp_path, password)
    compose = node_scripts.compose

    def stand_in(script: str, settings: Mapping[str, str]) -> str:
        if script == "host_facts":
            return node_scripts.assignments(settings) + FACTS
        return compose(script, settings)

    monkeypatch.setattr("model.render.node_scripts.compose", stand_in)
    facts: list[str] = []
    monkeypatch.setattr(
        "ops.hosts.facts.Facts.parse", lambda text, _where: facts.append(text.strip())
    )
    Enrollment(host, name="a").facts(["/a", "/b"])
    assert facts == [f"root\t{said} /a /b"]
    assert len(host.asked.read_text().splitlines() if host.asked.exists() else []) == asked
