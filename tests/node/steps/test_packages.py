"""scripts/node/packages.sh with an apt-get and a dpkg of the test's own."""

import pytest

from tests.node.steps.disk import Disk

# Each run of apt-get takes the next line of `script`: its status, and what it prints.
STAND_INS = """
set -Eeuo pipefail
LIB_STARTED=$EPOCHREALTIME
sleep() { SECONDS=$((SECONDS + 200)); }
dpkg-query() { echo 'installed curl'; }
dpkg() { echo "dpkg $*" >>"$STATE/ran"; }
apt-get() {
  echo "apt-get ${*: -4}" >>"$STATE/ran"
  env >"$STATE/environment"
  read -r status said <"$STATE/script"
  sed -i 1d "$STATE/script"
  printf "$said"
  return "$status"
}
"""
FREE = "0 ok"
HELD = (
    "100 E: Could not get lock /var/lib/apt/lists/lock. It is held by process 1125 (apt-get)\\n"
    "E: Unable to lock directory /var/lib/apt/lists/"
)
INTERRUPTED = "100 E: dpkg was interrupted, you must manually run 'dpkg --configure -a' to correct"
SIMULATED = (
    "0 Inst libmnl0 (1.0.4-3 Debian:12 [amd64])\\n"
    "Inst openssl [3.0.1] (3.0.2 Debian:12 [amd64])\\nInst socat (1.7.4 Debian:12 [amd64])"
)
BROKEN = "100 E: The repository 'https://example.com stable Release' does not have a Release file."


STAND_INS += """
cloud-init() { cat "$STATE/cloud-init" 2>/dev/null; }
timeout() { echo "$*" >>"$STATE/ran"; return 1; }
"""


def install(disk: Disk, *script: str) -> tuple[int, str]:
    (disk.state / "script").write_text("".join(f"{line}\n" for line in script))
    ran = disk.run(f"{STAND_INS}install_packages curl socat", "packages")
    return ran.returncode, ran.stdout + ran.stderr


def test_only_missing_packages_are_installed_and_those_that_are_new_recorded(disk: Disk) -> None:
    status, said = install(disk, FREE, SIMULATED, FREE)
    assert status == 0, said
    assert (disk.state / "packages").read_text() == "libmnl0\nsocat\n"
    environment = (disk.state / "environment").read_text()
    for line in ("DEBIAN_FRONTEND=noninteractive", "NEEDRESTART_SUSPEND=1"):
        assert line in environment


def test_the_first_boot_of_a_cloud_host_is_waited_for(disk: Disk) -> None:
    (disk.state / "cloud-init").write_text("status: running")
    status, said = install(disk, FREE, SIMULATED, FREE)
    assert status == 0, said
    assert "waiting for cloud-init" in said
    assert (disk.state / "ran").read_text().startswith("300 cloud-init status --wait\n")


def test_packages_are_recorded_before_they_are_installed(disk: Disk) -> None:
    """A killed installation leaves nothing that a reset does not know."""
    install(disk, FREE, SIMULATED, "137 killed")
    assert (disk.state / "packages").read_text() == "libmnl0\nsocat\n"


@pytest.mark.parametrize("before", [(), (FREE,), (FREE, SIMULATED)])
def test_another_package_manager_is_waited_for_and_named(
    disk: Disk, before: tuple[str, ...]
) -> None:
    rest = (FREE, SIMULATED, FREE)[len(before) :]
    status, said = install(disk, *before, HELD, HELD, *rest)
    assert status == 0, said
    held = "the lock /var/lib/apt/lists/lock. It is held by process 1125 (apt-get)"
    assert said.count(f"waiting for another package manager: {held}") == 1


def test_a_package_manager_that_does_not_end_is_named(disk: Disk) -> None:
    status, said = install(disk, *[HELD] * 9)
    assert status == 1
    assert "timed out after 600 s waiting for another package manager: the lock" in said
    assert "held by process 1125 (apt-get)" in said


def test_an_interrupted_installation_is_resumed_once(disk: Disk) -> None:
    status, said = install(disk, FREE, SIMULATED, INTERRUPTED, FREE)
    assert status == 0, said
    assert "dpkg --force-confdef --force-confold --configure -a" in (disk.state / "ran").read_text()
    status, said = install(disk, FREE, SIMULATED, INTERRUPTED, INTERRUPTED)
    assert status == 1
    assert "E: dpkg was interrupted" in said


def test_a_source_that_is_not_needed_may_fail(disk: Disk) -> None:
    status, said = install(disk, BROKEN, SIMULATED, FREE)
    assert status == 0, said
    assert "some package sources failed: E: The repository 'https://example.com" in said


def test_a_package_that_no_source_has_is_reported_with_the_sources(disk: Disk) -> None:
    status, said = install(disk, BROKEN, "100 E: Unable to locate package socat")
    assert status == 1
    for text in ("could not install socat", "Unable to locate package", "'https://example.com"):
        assert text in said
    assert not (disk.state / "packages").exists()
