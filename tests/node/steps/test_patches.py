"""The scripts of security updates with the real apt and dpkg, on a root of the test's own."""

import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from ops.hosts.operations import OPERATIONS
from ops.hosts.patches import SOURCES_UNREAD, PatchReport
from tests.node.steps.apt_repository import Source, sources
from tests.node.steps.disk import Disk

CONFIG = """\
Dir "{root}";
Dir::State::status "{root}/var/lib/dpkg/status";
Dir::Bin::dpkg "/usr/bin/dpkg";
Dpkg::Options {{ "--root={root}"; "--log=/dev/null"; "--force-not-root"; }};
Dpkg::Options {{ "--force-script-chrootless"; }};
APT::Architecture "amd64";
APT::Sandbox::User "root";
Acquire::Languages "none";
"""
# The same programs, told which root they work on.
PROGRAMS = """
export APT_CONFIG={root}/apt.conf
apt-get() {{ command apt-get "$@"; }}
dpkg() {{
  command dpkg --root={root} --log=/dev/null --force-not-root --force-script-chrootless "$@"
}}
dpkg-query() {{ command dpkg-query --admindir={root}/var/lib/dpkg "$@"; }}
systemd-detect-virt() {{ [[ -e {root}/is-container ]]; }}
cloud-init() {{ :; }}
"""
UPDATE = "stage_patches >/dev/null && install_patches"


class Host:
    """A disk with apt and dpkg, two sources, and packages from the ordinary one."""

    def __init__(self, disk: Disk) -> None:
        self.disk, self.root = disk, disk.folder
        self.main, self.security = sources(self.root / "sources")
        for folder in (
            *("etc/apt/preferences.d", "etc/apt/apt.conf.d", "etc/apt/sources.list.d", "usr"),
            *("var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/dpkg/triggers", "boot"),
            *("var/lib/apt/lists/partial", "var/cache/apt/archives/partial", "var/log/apt"),
        ):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        (self.root / "var/lib/dpkg/status").touch()
        (self.root / "apt.conf").write_text(CONFIG.format(root=self.root))
        (self.root / "is-container").touch()
        self.use(self.main, self.security)

    def use(self, *used: Source) -> None:
        """Configure these sources."""
        lines = [f"deb [trusted=yes] file:{source.folder} ./\n" for source in used]
        (self.root / "etc/apt/sources.list").write_text("".join(lines))

    def install(self, *names: str) -> None:
        """Install packages as a person does."""
        self.main.index()
        for source in (self.main, self.security):
            source.folder.mkdir(parents=True, exist_ok=True)
            source.index()
        env = {"APT_CONFIG": f"{self.root}/apt.conf", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        for command in (["update"], ["install", "--yes", *names]):
            done = subprocess.run(["apt-get", *command], env=env, capture_output=True, text=True)
            assert done.returncode == 0, done.stdout + done.stderr

    def run(self, call: str, before: str = "") -> "subprocess.CompletedProcess[str]":
        """Run a function in its script."""
        programs = PROGRAMS.format(root=self.root)
        script = OPERATIONS[call.split()[0]].script
        return self.disk.run(f"{programs}{before}\n{call}", script)

    def report(self, call: str, before: str = "") -> PatchReport:
        """Run a function that must succeed; return its report."""
        done = self.run(call, before)
        assert done.returncode == 0, done.stdout + done.stderr
        return PatchReport.parse(done.stdout.splitlines())

    def update(self, before: str = "") -> PatchReport:
        """Stage and install the updates."""
        return self.report(UPDATE, before)

    def versions(self) -> dict[str, str]:
        """The installed packages."""
        done = subprocess.run(
            ["dpkg-query", f"--admindir={self.root}/var/lib/dpkg", "--show"],
            capture_output=True,
            text=True,
            check=True,
        )
        return dict(line.split("\t") for line in done.stdout.splitlines())


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A host with packages a to d, and kubelet; security updates for a, c and kubelet."""
    host = Host(Disk(tmp_path_factory.mktemp("template")))
    for name in ("a", "b", "c", "d", "kubelet"):
        host.main.add(name, "1")
    host.install("a", "b", "c", "d", "kubelet")
    host.main.add("a", "3")
    host.main.add("b", "2")
    host.main.add("new", "1")
    host.security.add("a", "2")
    host.security.add("c", "2", depends="new")
    host.security.add("kubelet", "2")
    return host.root


@pytest.fixture
def host(template: Path, tmp_path: Path) -> Host:
    """A copy of it."""
    disk = Disk(tmp_path)
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    return Host(disk)


def test_only_security_updates_are_found_and_nothing_is_changed(host: Host) -> None:
    before = host.versions()
    report = host.report("survey_patches")
    assert report.updates == ("a 1 2", "c 1 2")
    assert (report.kept, report.reboot, report.kernels) == ((), "", ())
    assert host.versions() == before


def test_security_updates_are_installed_once(host: Host) -> None:
    assert host.report("stage_patches").updates == ("a 1 2", "c 1 2")
    report = host.update()
    assert report.updated == ("a 2", "c 2")
    assert host.versions() == {"a": "2", "b": "1", "c": "2", "d": "1", "kubelet": "1", "new": "1"}
    again = host.update()
    assert (again.updated, again.is_due) == ((), False)
    assert not host.report("stage_patches").is_due


def test_a_changed_conffile_is_kept(host: Host) -> None:
    settings = host.root / "etc/a.conf"
    settings.write_text("mine\n")
    host.update()
    assert settings.read_text() == "mine\n"


def test_an_update_that_needs_another_kubelet_is_kept_back_and_named(host: Host) -> None:
    host.security.add("d", "2", depends="kubelet (>= 2)")
    report = host.update()
    assert report.kept == ("d",)
    assert host.versions()["kubelet"] == "1"
    assert host.versions()["d"] == "1"


def test_a_package_that_a_person_holds_is_named(host: Host) -> None:
    status = host.root / "var/lib/dpkg/status"
    text = status.read_text()
    held = text.replace("Package: a\nStatus: install", "Package: a\nStatus: hold")
    assert held != text
    status.write_text(held)
    report = host.update()
    assert report.kept == ("a",)
    assert report.updated == ("c 2",)


def test_pins_of_the_host_bring_nothing_but_security_updates(host: Host) -> None:
    pin = "Package: b\nPin: release *\nPin-Priority: 900\n"
    (host.root / "etc/apt/preferences.d/b").write_text(pin)
    never = "Package: c\nPin: version 2\nPin-Priority: -1\n"
    (host.root / "etc/apt/preferences").write_text(never)
    general = "Package: *\nPin: release *\nPin-Priority: 990\n"
    (host.root / "etc/apt/preferences.d/all").write_text(general)
    report = host.update()
    assert report.updated == ("a 2",)
    assert host.versions()["b"] == "1"


def test_a_package_that_both_sources_have_is_a_security_update(host: Host) -> None:
    host.main.add("d", "2")
    host.security.add("d", "2")
    assert "d 1 2" in host.report("survey_patches").updates


def test_without_a_source_of_security_updates_nothing_is_called_up_to_date(host: Host) -> None:
    host.use(host.main)
    done = host.run("survey_patches")
    assert done.returncode == 1
    assert "no source of security updates is configured" in done.stderr


def test_a_source_that_cannot_be_read_is_an_error_and_not_an_old_list(host: Host) -> None:
    host.report("survey_patches")
    (host.security.folder / "Packages").write_text("damaged")
    done = host.run("stage_patches")
    assert done.returncode == SOURCES_UNREAD
    assert "apt-get could not read all package sources" in done.stderr
    assert host.versions()["a"] == "1"


def test_a_source_that_does_not_answer_ends_in_time(host: Host) -> None:
    """It takes connections, as a firewall's proxy may, and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with (host.root / "etc/apt/sources.list").open("a") as listed:
            listed.write(f"deb [trusted=yes] http://127.0.0.1:{port}/debian ./\n")
        with (host.root / "apt.conf").open("a") as config:
            config.write('Acquire::http::Proxy "DIRECT";\nAcquire::http::Timeout "1200";\n')
        before = "SOURCE_SECONDS=1\nSOURCE_RETRIES=0"
        done = host.run("survey_patches", before)
    assert done.returncode == SOURCES_UNREAD
    assert f"127.0.0.1:{port}" in done.stderr
    assert "apt-get could not read all package sources" in done.stderr


def test_an_installation_that_fails_says_so_and_is_completed_by_the_next(host: Host) -> None:
    host.security.add("d", "2", postinst=f"test -e {host.root}/may-go-on")
    done = host.run(UPDATE)
    assert done.returncode == 1
    assert "dpkg --configure -a" in done.stderr
    report = host.report("survey_patches")
    assert report.incomplete == "d"
    assert report.is_due
    (host.root / "may-go-on").touch()
    host.update()
    assert host.report("stage_patches").incomplete == ""
    assert host.versions()["d"] == "2"


def test_a_full_disk_is_refused_before_anything_is_downloaded(host: Host) -> None:
    host.security.add("d", "2", size_kib=1 << 40)
    done = host.run("stage_patches")
    assert done.returncode == 1
    assert "not enough space" in done.stderr
    assert "nothing was drained or installed" in done.stderr
    assert not [*(host.root / "var/cache/apt/archives").glob("*.deb")]


def test_a_reboot_is_required_when_a_package_asks_for_it(host: Host) -> None:
    required = host.root / "run/reboot-required"
    ask = f"touch {required}; echo d >>{required}.pkgs"
    host.security.add("d", "2", postinst=ask)
    assert host.report("survey_patches").reboot == ""
    assert host.update().reboot == "the system asks for it (d)"
    # A run that was killed before the reboot.
    assert host.report("stage_patches").is_due


def test_a_new_kernel_needs_a_reboot_unless_it_is_the_hosts(host: Host) -> None:
    host.main.add("linux-image-6.1.0-30-amd64", "1")
    host.main.add("linux-image-amd64", "1")
    host.install("linux-image-amd64")
    host.security.add("linux-image-6.1.0-31-amd64", "1")
    host.security.add("linux-image-amd64", "2", depends="linux-image-6.1.0-31-amd64")
    assert host.report("survey_patches").kernels == ()
    (host.root / "is-container").unlink()
    assert host.report("survey_patches").kernels == ("linux-image-6.1.0-31-amd64",)
    assert host.update().reboot == ("linux-image-6.1.0-31-amd64 was installed since it started")
    # As of the next boot.
    later = 'stat() { if [[ $2 == %Y ]]; then echo 5; else command stat "$@"; fi; }'
    assert host.report("survey_patches", later).reboot == ""


def test_what_still_uses_replaced_libraries_is_named(host: Host) -> None:
    maps = host.root / "proc/7"
    maps.mkdir(parents=True)
    (maps / "maps").write_text(
        "7f00-7f01 r-xp 00000000 08:01 5   /usr/lib/x86_64-linux-gnu/libssl.so.3 (deleted)\n"
    )
    (maps / "cgroup").write_text("0::/system.slice/ssh.service\n")
    pod = host.root / "proc/8"
    pod.mkdir()
    (pod / "maps").write_text((maps / "maps").read_text())
    (pod / "cgroup").write_text("0::/kubepods.slice/pod1.slice/x.service\n")
    fine = host.root / "proc/9"
    fine.mkdir()
    (fine / "maps").write_text("7f00-7f01 r-xp 0 08:01 5   /usr/lib/libssl.so.3\n")
    (fine / "cgroup").write_text("0::/system.slice/cron.service\n")
    moved = f'eval "$(declare -f print_stale | sed s,/proc/,{host.root}/proc/,)"'
    assert host.update(moved).stale == ("ssh.service",)


def test_names_and_versions_of_a_hostile_source_are_not_executed(host: Host) -> None:
    canary = host.root / "canary"
    names = ("d", f"$(touch {canary})", f"d; touch {canary};", "-o", "'d'", "`id`", "\x1b[31md")
    entries = [
        f"\nPackage: {name}\nVersion: 9-$(touch${{IFS}}{canary})\x1b[31m\nArchitecture: all\n"
        "Filename: ./d.deb\nSize: 1\nMaintainer: x\nDescription: x\n"
        for name in names
    ]
    host.security.index("".join(entries))
    report = host.report("survey_patches")
    assert any("touch" in update for update in report.updates), "apt itself takes such versions"
    assert "\x1b" not in str(report)
    assert host.run(UPDATE).returncode == 1
    assert not canary.exists()
    assert host.versions()["d"] == "1"


def test_a_round_is_recorded(host: Host) -> None:
    done = host.run("record_patched", "SECURITY_UPDATES=20261126T214000Z")
    assert done.returncode == 0, done.stderr
    assert (host.disk.state / "patched").read_text() == "20261126T214000Z\n"


def test_another_package_manager_is_waited_for(host: Host) -> None:
    before = f"""
sleep() {{ SECONDS=$((SECONDS + 400)); }}
apt-get() {{
  if [[ $* == *" update"* && ! -e {host.root}/asked ]]; then
    touch {host.root}/asked
    echo 'E: Could not get lock /var/lib/apt/lists/lock. It is held by process 1125 (apt-get)'
    return 100
  fi
  command apt-get "$@"
}}
"""
    done = host.run("survey_patches", before)
    assert done.returncode == 0, done.stderr
    assert "waiting for another package manager: the lock /var/lib/apt/lists/lock" in done.stderr
