"""The fresh machine of `make prove`: its access to this host, and its removal."""

from pathlib import Path

import pytest

from scripts.build import image
from scripts.build.shell import copy_tree
from scripts.prove import machine, registries
from tests.scripts.test_makefile import make

# What machines are made of, left behind on purpose.
LITTER = """
set -x
ip link add kfprove type bridge
ip netns add kfprove
find /sys/fs/cgroup -maxdepth 2 -name cgroup.procs -execdir mkdir kfprove ';'
mount -t tmpfs tmpfs /mnt
setsid sleep 4711 &
[[ $(ls /sys/class/net) == *tap0* && ! -e /sys/class/net/eth0 && $$ == 1 ]]
echo kept >{shared}/file
exit 7
"""


def parts() -> dict[str, object]:
    """Return what this host has of the machine; others may use the host meanwhile."""
    return {
        "links": [link for link in ("kfprove", "tap0") if Path("/sys/class/net", link).exists()],
        "mounts": Path("/proc/self/mountinfo").read_text().count("kfprove"),
        "cgroups": [str(path) for path in Path("/sys/fs/cgroup").glob("**/*prove*")],
        "processes": [
            file
            for file in Path("/proc").glob("[0-9]*/cmdline")
            if b"sleep 4711" in _read(file).replace(b"\0", b" ")
        ],
    }


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""


@pytest.mark.root
@pytest.mark.slow
def test_no_process_or_mount_of_the_machine_is_left(tmp_path: Path) -> None:
    root, shared = tmp_path / "kfprove", tmp_path / "shared"
    copy_tree(image.base_root(), root)
    shared.mkdir()
    before = parts()
    assert machine.run(root, LITTER.format(shared=shared), shared) == 7
    assert parts() == before
    assert (shared / "file").read_text() == "kept\n"


def test_packages_come_from_the_sources_of_this_host(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"PIP_INDEX_URL": "https://user:secret@pypi.example.com", "https_proxy": "http://p:1"}
    for name, value in {**given, "GOPROXY": "https://go.example.com", "EDITOR": "vi"}.items():
        monkeypatch.setenv(name, value)
    environment = registries.environment()
    assert environment.items() >= {**given, "GOPROXY": "https://go.example.com"}.items()
    assert "EDITOR" not in environment


def test_apt_settings_of_the_host_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registries, "APT", tmp_path)
    (tmp_path / "apt.conf.d").mkdir()
    (tmp_path / "apt.conf.d/proxy").write_text('Acquire::http::Proxy "http://p:1";')
    (tmp_path / "apt.conf.d/hooks").write_text('DPkg::Post-Invoke "true";')
    (tmp_path / "auth.conf").write_text("machine m login l password p")
    assert registries.apt_options() == [
        f"--aptopt={tmp_path}/apt.conf.d/proxy",
        f"--setup-hook=copy-in {tmp_path}/auth.conf {tmp_path}",
    ]


def test_make_prove_passes_on_its_variables() -> None:
    planned = make("--dry-run", "prove", "STEPS=up test", "CACHE=1", "ARGS=-k 'not x'")
    assert planned.splitlines()[-1].endswith("-m scripts.prove up test --cache")
