"""The secrets of running clusters are where they are needed, and nowhere else."""

import pytest

from model.paths import content_dir
from tests.e2e.fleet.conftest import Creation
from tests.e2e.machines import Machines
from tests.e2e.pulumi_stack import PulumiStack
from tests.e2e.secret_texts import Secrets

pytestmark = [pytest.mark.root, pytest.mark.slow]

MACHINES = [f"cluster1-{role}-0" for role in ("control-plane", "worker")]
# The texts of /usr, which are those of packages, have examples of keys.
SEARCHED = "/etc /home /opt /root /run /srv /tmp /usr/local /var"
READABLE = (
    "setpriv --reuid nobody --regid nogroup --clear-groups grep --recursive --files-with-matches"
    " --no-messages --binary-files=without-match --extended-regexp"
    f" -e '-BEGIN ([A-Z]+ )?PRIVATE KEY-|client-key-data: .|eyJhbGciOi' {SEARCHED} || true"
)
LOGS = (
    "journalctl --no-pager --output cat; "
    "find -L /var/log -type f ! -path '*/journal/*' -exec cat {} +"
)
PLANTED = "-----BEGIN PRIVATE KEY-----\n" + "planted+" * 8


@pytest.fixture(scope="module")
def secrets(fleet: PulumiStack) -> Secrets:
    return Secrets(fleet.succeed("stack", "export", "--show-secrets").output)


def test_the_secrets_are_known(secrets: Secrets) -> None:
    # For each cluster three CAs, the service accounts', the administrator's; and the login's.
    assert len(secrets.keys) >= 11
    assert len(secrets.encryption) == 2


def test_no_run_prints_a_secret(fleet: PulumiStack, creation: Creation, secrets: Secrets) -> None:
    preview = fleet.preview()
    refresh = fleet.refresh()
    for text in (creation.finished.output, creation.events, preview.output, refresh.output):
        assert secrets.in_text(text) == []


def test_no_process_has_a_secret_in_its_arguments_or_environment(
    creation: Creation, secrets: Secrets
) -> None:
    texts = "\n".join(creation.watch.texts)
    for process in ("pulumi", "kubeadm\ninit", "kubeadm\njoin", "kube-apiserver", "systemd"):
        assert process in texts
    assert secrets.in_text(texts) == []


def test_what_lies_on_the_host_of_the_operator_is_encrypted_or_private(
    fleet: PulumiStack, secrets: Secrets
) -> None:
    assert secrets.in_text(fleet.state()) == []
    folders = [path for path in fleet.folder.iterdir() if path != fleet.machines]
    for folder in (*folders, content_dir()):
        for path in (folder, *folder.rglob("*")):
            if path.is_file() and path.stat().st_mode & 0o077:
                assert secrets.in_text(path.read_text(errors="replace")) == [], path


@pytest.mark.parametrize("machine", MACHINES)
def test_only_root_reads_a_secret_on_a_machine(machines: Machines, machine: str) -> None:
    machines.run(machine, f"printf '%s' '{PLANTED}' >/etc/planted")
    assert machines.run(machine, READABLE).split() == ["/etc/planted"]


@pytest.mark.parametrize("machine", MACHINES)
def test_no_log_on_a_machine_has_a_secret(
    machines: Machines, secrets: Secrets, machine: str
) -> None:
    text = machines.run(machine, LOGS)
    assert "kubeadm" in text
    assert secrets.in_text(text) == []
