"""scripts/node/authentication.sh: a changed file is applied when the API server uses it."""

import base64
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
import yaml

from model.pki import certificates, serving
from model.render.machine_files import AUTHENTICATION, ManagedFile, machine_files, table
from model.render.node_paths import AUTHENTICATION_FILE
from tests.model.examples import CONTAINER, cluster
from tests.node.steps.disk import Disk

PLAIN = cluster(CONTAINER)
FILES = [
    file
    for file in machine_files(PLAIN, PLAIN.control_planes[0])
    if file.part == AUTHENTICATION
]  # fmt: skip
ADMINISTRATORS, HOUR = "kubeadm:cluster-admins", timedelta(hours=1)
METRIC = "apiserver_authentication_config_controller_last_config_info"
LOG = "var/log/pods/kube-system_kube-apiserver-node_1/kube-apiserver/0.log"


def sum_of(files: list[ManagedFile]) -> str:
    (file,) = files
    return sha256(file.content.encode()).hexdigest()


def answer(used: str) -> str:
    """Have the API server tell administrators the checksum of the configuration that it uses."""
    return f"""curl() {{
  while [[ $1 != --cert ]]; do shift; done
  openssl x509 -noout -subject <"$2" | grep -q 'O = {ADMINISTRATORS}' || {{
    echo 'curl: (22) The requested URL returned error: 403' >&2
    return 22
  }}
  echo '# HELP {METRIC} x'
  echo '{METRIC}{{apiserver_id_hash="sha256:a",hash="sha256:{used}"}} 1'
}}"""


def lay_leaves(disk: Disk, group: str = ADMINISTRATORS, valid: timedelta = HOUR) -> None:
    """Give the machine an API server's certificate and the administrator's."""
    authority = certificates.new_authority("kubernetes", timedelta(days=1))
    folder = disk.folder / "etc/kubernetes"
    (folder / "pki").mkdir(exist_ok=True)
    own = serving.issue(authority, "kube-apiserver", "10.0.0.1", valid)
    (folder / "pki/apiserver.pem").write_text(own.pem)
    pair = certificates.issue_client(authority, "kubernetes-admin", [group], valid)
    data = {"certificate": pair.cert_pem, "key": pair.key_pem}
    user = {f"client-{name}-data": base64.b64encode(pem.encode()) for name, pem in data.items()}
    text = {key: value.decode() for key, value in user.items()}
    (folder / "admin.conf").write_text(yaml.safe_dump({"users": [{"user": text}]}, width=10**6))


@pytest.fixture
def manifest(disk: Disk) -> Path:
    """The manifest of an API server that uses the file, and valid certificates."""
    lay_leaves(disk)
    path = disk.folder / "etc/kubernetes/manifests/kube-apiserver.yaml"
    path.parent.mkdir()
    path.write_text(f"    - --authentication-config={disk.folder}{AUTHENTICATION_FILE}\n")
    return path


def apply(disk: Disk, stand_in: str) -> tuple[int, str]:
    """Apply the part; return the exit status, and what was said."""
    lines = table(disk.moved(FILES))
    call = f"NODE_ADDRESS=10.0.0.1 ISSUERS_SECONDS=1; {stand_in}\nFILES='{lines}' "
    ran = disk.run(f"{call} PARTS={AUTHENTICATION}; apply_files", "apply")
    return ran.returncode, ran.stdout + ran.stderr


def recorded(disk: Disk) -> bool:
    managed = disk.state / "managed"
    return managed.exists() and AUTHENTICATION in managed.read_text()


def test_it_is_applied_when_the_api_server_uses_it(disk: Disk, manifest: Path) -> None:
    assert apply(disk, answer(sum_of(FILES)))[0] == 0
    assert recorded(disk)
    assert (disk.folder / AUTHENTICATION_FILE[1:]).read_text() == FILES[0].content


def test_a_rejected_file_is_an_error_with_its_reason_and_tried_again(
    disk: Disk, manifest: Path
) -> None:
    log = disk.folder / LOG
    log.parent.mkdir(parents=True)
    log.write_text(
        "1 other\n2 failed to update authentication config: no such host\n"
        "3 reloaded authentication config\n"
    )
    status, said = apply(disk, answer("0" * 64))
    assert status == 1
    assert "waiting for the API server to use the configured issuers of tokens" in said
    assert "its log: 2 failed to update authentication config: no such host" in said
    assert not recorded(disk)
    assert apply(disk, answer("0" * 64))[0] == 1, "also by the next run, which does not change it"
    assert apply(disk, answer(sum_of(FILES)))[0] == 0
    assert recorded(disk)


def test_other_paths_for_anonymous_requests_are_used_after_a_restart(
    disk: Disk, manifest: Path
) -> None:
    log = disk.folder / LOG
    log.parent.mkdir(parents=True)
    log.write_text('1 "failed to validate authentication config: anonymous: Forbidden: changed"\n')
    restarted = disk.state / "restarted"
    stand_in = f"""
restart_components() {{ echo "$*" >>{restarted}; }}
used() {{ [[ -e {restarted} ]] && echo {sum_of(FILES)} || echo {"0" * 64}; }}
curl() {{ echo '{METRIC}{{hash="sha256:'$(used)'"}} 1'; }}"""
    assert apply(disk, stand_in)[0] == 0
    assert restarted.read_text() == "kube-apiserver\n"
    assert recorded(disk)


@pytest.mark.parametrize("status", [0, 7])
def test_an_api_server_that_does_not_run_reads_it_at_its_start(disk: Disk, status: int) -> None:
    lay_leaves(disk)
    if status:
        folder = disk.folder / "etc/kubernetes/manifests"
        folder.mkdir()
        flag = f"    - --authentication-config={disk.folder}{AUTHENTICATION_FILE}\n"
        (folder / "kube-apiserver.yaml").write_text(flag)
    assert apply(disk, f"curl() {{ return {status}; }}")[0] == 0
    assert recorded(disk)


def test_an_unchanged_file_is_not_waited_for(disk: Disk, manifest: Path) -> None:
    """A repair of other files may be what the API server needs to answer again."""
    assert apply(disk, answer(sum_of(FILES)))[0] == 0
    assert apply(disk, "curl() { return 28; }")[0] == 0


def test_one_that_does_not_answer_yet_is_waited_for(disk: Disk, manifest: Path) -> None:
    assert apply(disk, "curl() { return 28; }")[0] == 1
    assert not recorded(disk)


def test_an_api_server_that_refuses_to_say_is_named(disk: Disk, manifest: Path) -> None:
    lay_leaves(disk, group="others")
    status, said = apply(disk, answer(sum_of(FILES)))
    assert status == 1
    assert "check the API server of node: curl: (22)" in said
    assert not recorded(disk)


def test_one_whose_certificates_have_expired_cannot_be_asked(disk: Disk, manifest: Path) -> None:
    """They are renewed later."""
    lay_leaves(disk, valid=timedelta(seconds=-1))
    assert apply(disk, "curl() { return 60; }")[0] == 0
    assert recorded(disk)
