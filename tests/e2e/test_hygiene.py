"""The secrets of running clusters are where they are needed, and nowhere else."""

from dataclasses import dataclass

import pytest

from model.paths import content_dir
from ops.nspawn.spec import MachineSpec
from tests.e2e.machines import Machines
from tests.e2e.pulumi_stack import Finished, PulumiStack
from tests.e2e.secret_texts import ProcessWatch, Secrets

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


@dataclass(frozen=True)
class Scene:
    """Running clusters, how they were created, and their secrets."""

    stack: PulumiStack
    created: Finished
    events: str
    watch: ProcessWatch
    machines: Machines
    secrets: Secrets


@pytest.fixture(scope="module")
def scene(stack: PulumiStack) -> Scene:
    with ProcessWatch(lambda: marks(stack)) as watch:
        created = stack.up()
    events = (stack.folder / "events.json").read_text()
    exported = stack.succeed("stack", "export", "--show-secrets").output
    return Scene(stack, created, events, watch, Machines(stack), Secrets(exported))


def marks(stack: PulumiStack) -> set[str]:
    """What processes of the stack have in their environment or in the names of their cgroups."""
    specs = (MachineSpec.read(file.parent) for file in stack.machines.glob("*/*/spec.json"))
    return {str(stack.folder), *(spec.unit for spec in specs if spec)}


def test_the_secrets_are_known(scene: Scene) -> None:
    # For each cluster three CAs, the service accounts', the administrator's; and the login's.
    assert len(scene.secrets.keys) >= 11


def test_no_run_prints_a_secret(scene: Scene) -> None:
    preview = scene.stack.preview()
    refresh = scene.stack.refresh()
    for text in (scene.created.output, scene.events, preview.output, refresh.output):
        assert scene.secrets.in_text(text) == []


def test_no_process_has_a_secret_in_its_arguments_or_environment(scene: Scene) -> None:
    texts = "\n".join(scene.watch.texts)
    for process in ("pulumi", "kubeadm\ninit", "kubeadm\njoin", "kube-apiserver", "systemd"):
        assert process in texts
    assert scene.secrets.in_text(texts) == []


def test_what_lies_on_the_host_of_the_operator_is_encrypted_or_private(scene: Scene) -> None:
    assert scene.secrets.in_text(scene.stack.state()) == []
    folders = [path for path in scene.stack.folder.iterdir() if path != scene.stack.machines]
    for folder in (*folders, content_dir()):
        for path in (folder, *folder.rglob("*")):
            if path.is_file() and path.stat().st_mode & 0o077:
                assert scene.secrets.in_text(path.read_text(errors="replace")) == [], path


@pytest.mark.parametrize("machine", MACHINES)
def test_only_root_reads_a_secret_on_a_machine(scene: Scene, machine: str) -> None:
    scene.machines.run(machine, f"printf '%s' '{PLANTED}' >/etc/planted")
    assert scene.machines.run(machine, READABLE).split() == ["/etc/planted"]


@pytest.mark.parametrize("machine", MACHINES)
def test_no_log_on_a_machine_has_a_secret(scene: Scene, machine: str) -> None:
    text = scene.machines.run(machine, LOGS)
    assert "kubeadm" in text
    assert scene.secrets.in_text(text) == []
