"""Space for a change, and its rollback, on disks that are full: file systems in memory."""

import subprocess

import pytest

from tests.node.steps.disk import Disk

pytestmark = pytest.mark.root
STAND_INS = """
LIB_STARTED=$EPOCHREALTIME NODE_ADDRESS=192.0.2.1 KUBERNETES_VERSION=v1.37.2 RUN=/nowhere
CLUSTER_CONFIGURATION=broken KUBELET_CONFIGURATION=same
set -Eeuo pipefail
systemctl() { echo "systemctl $1" >>"$CALLS"; [[ $1 != show ]] || echo 0; }
ctr() { :; }
is_healthy() { [[ -e $MANIFESTS/$1.yaml ]]; }
for name in kubelet_answers api_is_ready are_reported start_runtime; do
  eval "$name() { true; }"
done
"""
MIB = 1 << 20
# The rest of finish_change, for a test that plans more.
FINISH = 'mv "$PENDING_CHANGE.part" "$PENDING_CHANGE"; do_change; }'


class Member:
    """A control plane with etcd's data, and a planned change to another version of etcd."""

    def __init__(self, disk: Disk) -> None:
        self.disk = disk
        self.manifest = disk.folder / "etc/kubernetes/manifests/etcd.yaml"
        self.calls = disk.folder / "calls"
        self.calls.touch()
        data = disk.folder / "var/lib/etcd/member"
        for folder in (self.manifest.parent, data):
            folder.mkdir(parents=True)
        self.manifest.write_text("image: etcd:3.6.8\n")
        (self.manifest.parent / "kube-apiserver.yaml").touch()
        (data / "db").write_bytes(b"x" * 20 * MIB)

    def change(self, size: str, more: str = "") -> "subprocess.CompletedProcess[str]":
        """Make the change while the program's folder is a file system of this size."""
        plan = (
            "begin_change\n"
            'echo "image: etcd:3.7.0" >"$PENDING_CHANGE.part/new/etcd.yaml"\n'
            'cp "$MANIFESTS/etcd.yaml" "$PENDING_CHANGE.part/old/"\n'
        )
        call = (
            f"mount -t tmpfs -o size={size} tmpfs $STATE; CALLS={self.calls}\n"
            f"{STAND_INS}{more}\n{plan}finish_change"
        )
        command = ["unshare", "--mount", *self.disk.command(call, "upgrade")]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    @property
    def stopped(self) -> bool:
        return "systemctl stop" in self.calls.read_text()


@pytest.fixture
def member(disk: Disk) -> Member:
    return Member(disk)


def test_a_change_is_made_where_there_is_space(member: Member) -> None:
    made = member.change("100m")
    assert made.returncode == 0, made.stderr
    assert member.manifest.read_text() == "image: etcd:3.7.0\n"


def test_a_power_cut_leaves_no_empty_file(member: Member) -> None:
    """What is not on the disk by then may be empty afterwards, although it was renamed."""
    synced = (
        'sync() { printf "sync %s\\n" "$@" >>"$CALLS"; }\n'
        'rm() { echo "rm $*" >>"$CALLS"; command rm "$@"; }'
    )
    assert member.change("100m", synced).returncode == 0
    calls = member.calls.read_text().splitlines()
    plan = f"{member.disk.state}/pending-change"
    stopped, removed = calls.index("systemctl stop"), calls.index(f"rm -rf {plan}")
    assert {f"sync {plan}.part/{file}.yaml" for file in ("new/etcd", "old/etcd")} <= set(
        calls[:stopped]
    )
    assert f"sync {member.disk.state}" in calls[:stopped]
    assert f"sync {member.manifest}" in calls[stopped:removed]


def test_nothing_is_stopped_without_space_for_a_copy_of_etcds_data(member: Member) -> None:
    refused = member.change("40m")
    assert refused.returncode == 1
    assert f"40 MiB free on {member.disk.state}, 54 MiB needed" in refused.stderr
    assert f"a copy of etcd's data in {member.disk.state}/pending-change" in refused.stderr
    assert "nothing was stopped or changed" in refused.stderr
    assert not member.stopped
    assert member.manifest.read_text() == "image: etcd:3.6.8\n"


def test_nothing_is_stopped_without_inodes(member: Member) -> None:
    refused = member.change("100m,nr_inodes=100")
    assert refused.returncode == 1
    assert f"inodes free on {member.disk.state}, 500 needed" in refused.stderr
    assert not member.stopped


def test_a_copy_that_fails_after_the_stop_is_rolled_back(member: Member) -> None:
    """Another program may have filled the disk since the check."""
    failed = member.change("8m", "check_change_space() { :; }")
    assert failed.returncode == 1
    assert "No space left on device" in failed.stderr
    assert "the change failed and was rolled back" in failed.stderr
    assert member.stopped
    assert member.calls.read_text().splitlines()[-1] == "systemctl start"
    assert member.manifest.read_text() == "image: etcd:3.6.8\n"


@pytest.mark.parametrize("failing", ["put_files", "put_programs", "end_components etcd"])
def test_whatever_fails_after_the_stop_is_rolled_back(member: Member, failing: str) -> None:
    name = failing.split()[0]
    once = (
        f'eval "real_$(declare -f {name})"\n'
        f'{name}() {{ if [[ -e $STATE/failed ]]; then real_{name} "$@"; '
        'else touch "$STATE/failed"; false; echo "went on"; fi; }'
    )
    failed = member.change("100m", once)
    assert failed.returncode == 1, failed.stderr
    assert "went on" not in failed.stdout
    assert "the change failed and was rolled back" in failed.stderr
    assert member.manifest.read_text() == "image: etcd:3.6.8\n"


@pytest.mark.parametrize(
    ("meanwhile", "image"),
    [
        ("true", "new"),
        ("CLUSTER_CONFIGURATION=reverted", "old"),
        ("KUBELET_CONFIGURATION=another", "old"),
        ("KUBERNETES_VERSION=v1.36.3 STAGED=$STATE/staged/v1.36.3", "old"),
    ],
)
def test_an_interrupted_change_is_undone_if_something_else_is_wanted(
    member: Member, meanwhile: str, image: str
) -> None:
    """It may be what stopped the machine, and have been reverted for that."""
    program = member.disk.folder / "usr/local/bin/kubelet"
    program.parent.mkdir(parents=True)
    program.write_text("old")
    manifest = member.manifest.parent / "kube-apiserver.yaml"
    manifest.write_text("old")
    call = f"""{STAND_INS}
CALLS={member.calls}
mkdir -p "$STAGED{program.parent}"; echo -n new >"$STAGED{program}"
use_staged() {{ [[ ! -e $STAGED{program} ]] || mv "$STAGED{program}" {program}; }}
read_notes() {{ :; }}; restore_parts() {{ :; }}; move_note() {{ :; }}
begin_change
echo -n new >"$PENDING_CHANGE.part/new/kube-apiserver.yaml"
cp {manifest} "$PENDING_CHANGE.part/old/"
echo {program} >"$PENDING_CHANGE.part/programs"
mkdir -p "$PENDING_CHANGE.part/former{program.parent}"
cp {program} "$PENDING_CHANGE.part/former{program}"
mv "$PENDING_CHANGE.part" "$PENDING_CHANGE"
stop_components kube-apiserver
put_programs
put_manifests kube-apiserver
{meanwhile}
resume_change
"""
    ended = subprocess.run(
        member.disk.command(call, "upgrade"), capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 0, ended.stderr
    assert (manifest.read_text(), program.read_text()) == (image, image)
    assert not (member.disk.state / "pending-change").exists()
    staged = member.disk.state / f"staged/v1.37.2{program}"
    assert staged.exists() == (image == "old"), "it is ready for the next attempt"
    assert not (member.disk.state / f"staged/v1.36.3{program}").exists()


def test_artifacts_are_not_received_without_space(disk: Disk) -> None:
    call = (
        "mount -t tmpfs -o size=40m tmpfs $STATE; ARTIFACT_BYTES=$((20 << 20)) IMAGE_BYTES=0\n"
        "INDEX='' DOWNLOADS=''; receive_artifacts"
    )
    command = ["unshare", "--mount", *disk.command(call, "enrollment")]
    refused = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert refused.returncode == 1
    assert f"40 MiB free on {disk.state}, 52 MiB needed" in refused.stderr
    assert "nothing was sent" in refused.stderr


def test_outdated_records_of_the_kubelet_are_removed_while_it_is_stopped(member: Member) -> None:
    records = member.disk.folder / "var/lib/kubelet"
    records.mkdir()
    (records / "cpu_manager_state").write_text("none")
    (records / "memory_manager_state").write_text("None")
    outdated = 'echo cpu_manager_state >"$PENDING_CHANGE.part/checkpoints"'
    systemctl = (
        'systemctl() { echo "systemctl $1 $(cd '
        f'{records} && echo *)" >>"$CALLS"; [[ $1 != show ]] || echo 0; }}'
    )
    plan = f"{systemctl}\nfinish_change() {{ {outdated}\n{FINISH}"
    made = member.change("100m", plan)
    assert made.returncode == 0, made.stderr
    assert [path.name for path in records.iterdir()] == ["memory_manager_state"]
    calls = member.calls.read_text().splitlines()
    assert "systemctl stop cpu_manager_state memory_manager_state" in calls
    assert "systemctl start memory_manager_state" in calls
    (records / "cpu_manager_state").write_text("none")
    failing = (
        "put_files() { [[ -e $STATE/failed ]] || { touch $STATE/failed; "
        f"echo static >{records}/cpu_manager_state; false; }}; }}\n{plan}"
    )
    assert member.change("100m", failing).returncode == 1
    assert (records / "cpu_manager_state").read_text() == "none"


def test_former_programs_and_settings_are_back_after_a_kubelet_that_does_not_start(
    member: Member,
) -> None:
    folder = member.disk.folder
    program, config = folder / "opt/cni/bin/program", folder / "var/lib/kubelet/config.yaml"
    for file in (program, config):
        file.parent.mkdir(parents=True)
        file.write_text("former")
    plan = f"""
    trap 'echo "staged: $(cat $STAGED{program})"' EXIT
    KUBELET_SECONDS=0
    kubelet_answers() {{ [[ $(<{program}) == former ]]; }}
    service_crash() {{ :; }}
    restore_parts() {{ :; }}
    finish_change() {{
      echo new >"$PENDING_CHANGE.part/new/config"
      cp {config} "$PENDING_CHANGE.part/old/config"
      mkdir -p $STAGED{program.parent}; echo new >$STAGED{program}; touch "$STATE/files"
      plan_programs
      {FINISH}
    """
    failed = member.change("100m", plan)
    assert "timed out after 0 s waiting for the kubelet to run as v1.37.2" in failed.stderr
    assert "the change failed and was rolled back" in failed.stderr
    assert (program.read_text(), config.read_text()) == ("former", "former")
    assert "staged: new" in failed.stdout, "the next run needs no transfer"
