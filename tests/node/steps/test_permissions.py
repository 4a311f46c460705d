"""scripts/node/permissions.sh and etcd_data.sh: who may access the files of Kubernetes."""

from pathlib import Path

import pytest

from tests.node.steps.disk import Disk

KUBEADM = "etc/systemd/system/kubelet.service.d/10-kubeadm.conf"
# Files of a control plane, with the most that the benchmark allows.
MOST = {
    "etc/kubernetes/manifests/etcd.yaml": 0o600,
    "etc/kubernetes/manifests/kube-apiserver.yaml": 0o600,
    "etc/kubernetes/admin.conf": 0o600,
    "etc/kubernetes/controller-manager.conf": 0o600,
    "etc/kubernetes/scheduler/client.pem": 0o600,
    "etc/kubernetes/pki/ca.key": 0o600,
    "etc/kubernetes/pki/apiserver.pem": 0o600,
    "etc/kubernetes/pki/etcd/server.key": 0o600,
    "etc/kubernetes/pki/ca.crt": 0o644,
    "etc/kubernetes/pki/sa.pub": 0o644,
    "var/lib/kubelet/config.yaml": 0o600,
    "var/lib/kubelet/pki/serving.pem": 0o600,
    KUBEADM: 0o600,
    "etc/systemd/system/kubelet.service.d/99-own.conf": 0o600,
}
# This host's user stands for root, since tests may run as any.
OWNERS = (
    "read_owners() { for path in ${!OWNERS[@]}; do OWNERS[$path]=$(stat -Lc %U:%G $path); done; }\n"
)
FACTS = f"{OWNERS}read_limits; read_owners; exposed_files"


@pytest.fixture
def plane(disk: Disk) -> Disk:
    """A control plane whose files are as the benchmark requires."""
    for name, mode in MOST.items():
        path = disk.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("content")
        path.chmod(mode)
    (disk.folder / "var/lib/etcd").mkdir(mode=0o700)
    return disk


def exposed(disk: Disk) -> dict[str, str]:
    ran = disk.run(f"set -Eeuo pipefail\n{FACTS}", "permissions")
    assert ran.returncode == 0, ran.stderr
    lines = (line.split("\t") for line in ran.stdout.splitlines())
    return {str(Path(path).relative_to(disk.folder)): why for path, why in lines}


def test_what_the_benchmark_allows_is_not_exposed(plane: Disk) -> None:
    assert exposed(plane) == {}
    for path in map(plane.folder.joinpath, MOST):
        path.chmod(0o400)
    assert exposed(plane) == {}, "less is allowed, too"


@pytest.mark.parametrize("name", MOST)
def test_each_file_that_others_may_read_or_write_is_named(plane: Disk, name: str) -> None:
    mode = 0o640 if MOST[name] == 0o600 else 0o664
    (plane.folder / name).chmod(mode)
    assert exposed(plane) == {name: f"mode {mode:o} instead of {MOST[name]:o}"}


def test_etcd_s_data_is_its_user_s_alone(plane: Disk) -> None:
    (plane.folder / "var/lib/etcd").chmod(0o750)
    assert exposed(plane) == {"var/lib/etcd": "mode 750 instead of 700"}
    call = "set -Eeuo pipefail\nread_limits; echo ${OWNERS[$ETCD_DATA]} ${OWNERS[$CLIENT_CA_FILE]-}"
    assert plane.run(call, "permissions").stdout.split() == ["etcd:etcd"]
    (plane.folder / "etc/kubernetes/controller-manager.conf").unlink()
    assert exposed(plane) == {}, "the data of a worker's own etcd is somebody's"


def test_another_owner_is_named(plane: Disk) -> None:
    of_other = (
        'stat() { command stat "$@" | sed "/config.yaml/s/ [^ ]*:[^ ]* / mallory:staff /"; }\n'
    )
    ran = plane.run(f"{FACTS.replace('exposed_files', '')}\n{of_other}exposed_files", "permissions")
    assert ran.stdout.split("\t")[1].startswith("owner mallory:staff instead of ")


def test_exposed_files_are_restricted(plane: Disk) -> None:
    for name in MOST:
        (plane.folder / name).chmod(0o666)
    ran = plane.run("lib_begin() { :; }\nset -Eeuo pipefail\napply_permissions", "permissions")
    assert ran.returncode == 0, ran.stderr
    assert {name: (plane.folder / name).stat().st_mode & 0o777 for name in MOST} == MOST
    assert exposed(plane) == {}


OWN = "set -Eeuo pipefail\nown_etcd_data"
FORGET = "set -Eeuo pipefail\nrmdir $ETCD_DATA 2>/dev/null || true\nforget_etcd_data"


def accounts(disk: Disk) -> list[str]:
    return sorted((disk.folder / "accounts").read_text().split("\n"))[1:]


def test_the_user_is_created_once_and_goes_with_a_reset(disk: Disk) -> None:
    for _ in range(2):
        assert disk.run(OWN, "etcd_data").returncode == 0
    assert accounts(disk) == ["group etcd", "passwd etcd"]
    data = disk.folder / "var/lib/etcd"
    assert data.stat().st_mode & 0o777 == 0o700
    assert f"etcd:etcd {data}" in (disk.folder / "chowned").read_text()
    for _ in range(2):
        assert disk.run(FORGET, "etcd_data").returncode == 0
    assert accounts(disk) == []


def test_a_user_of_a_package_is_used_and_stays(disk: Disk) -> None:
    (disk.folder / "accounts").write_text("group etcd\npasswd etcd\n")
    assert disk.run(OWN, "etcd_data").returncode == 0
    assert not (disk.state / "accounts").exists()
    assert disk.run(FORGET, "etcd_data").returncode == 0
    assert accounts(disk) == ["group etcd", "passwd etcd"]


def test_a_user_that_a_package_has_come_to_need_stays(disk: Disk) -> None:
    assert disk.run(OWN, "etcd_data").returncode == 0
    ran = disk.run(f"LIB_STARTED=0\ndpkg-query() {{ echo installed; }}\n{FORGET}", "etcd_data")
    assert ran.returncode == 0, ran.stderr
    assert "kept: the user etcd" in ran.stdout
    assert accounts(disk) == ["group etcd", "passwd etcd"]


def test_a_folder_that_was_there_gets_its_owner_and_mode_back(disk: Disk) -> None:
    data = disk.folder / "var/lib/etcd"
    data.mkdir()
    data.chmod(0o755)
    (disk.state / "original-state").write_text(f"folder\t{data}\n")
    owner = f"{data.owner()}:{data.group()}"
    for _ in range(2):
        assert disk.run(OWN, "etcd_data").returncode == 0
    assert data.stat().st_mode & 0o777 == 0o700
    assert disk.run("set -Eeuo pipefail\nforget_etcd_data", "etcd_data").returncode == 0
    assert data.stat().st_mode & 0o777 == 0o755
    assert (disk.folder / "chowned").read_text().splitlines()[-1] == f"{owner} {data}"
    assert accounts(disk) == []


def test_a_locked_file_of_accounts_is_waited_for(disk: Disk) -> None:
    locked = (
        'useradd() { [[ -e $DISK/free ]] || { touch $DISK/free; echo "cannot lock"; return 1; }; '
        'echo "passwd etcd" >>$DISK/accounts; }\n'
    )
    assert disk.run(f"{locked}{OWN}", "etcd_data").returncode == 0
    assert accounts(disk) == ["group etcd", "passwd etcd"]
