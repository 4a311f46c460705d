"""`fleet rotate` with the real engine: what is asked, refused, written and applied."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from model.rotation_phases import FINISH, PREPARE
from ops.pulumi.deployment import Deployment
from scripts.fleet.rotation import IMMEDIATE
from tests.scripts.conftest import TOP
from tests.scripts.throwaway import Clone, on_terminal

pytestmark = pytest.mark.slow

PKI = """
from components.pki import Pki, PkiArgs
from model.load import load
from model.render import kubeconfig

described, _ = load(config.require_object("fleet")).clusters
trust = Pki("cluster1-pki", PkiArgs(described))
contexts = pulumi.Output.all(trust.context)
pulumi.export("kubeconfig", pulumi.Output.secret(contexts.apply(kubeconfig.render)))
pulumi.export("identity", trust.identity)
"""
ROTATE = ("rotate", "ca", "--cluster", "cluster1")


@pytest.fixture
def cluster(clone: Clone) -> Clone:
    """One whose program has the PKI of the first cluster in its stack's file."""
    (clone.folder / "components").symlink_to(TOP / "components")
    program = clone.folder / "__main__.py"
    program.write_text(program.read_text().partition('pulumi.export("kubeconfig"')[0] + PKI)
    clone.fleet("up")
    return clone


def file_of(clone: Clone) -> Path:
    return clone.folder / "Pulumi.dev.yaml"


def rotations(clone: Clone) -> Mapping[str, Any]:
    config = yaml.safe_load(file_of(clone).read_text())["config"]
    found: Mapping[str, Any] = config["kubeadm-fleet:fleet"]["clusters"]["cluster1"]["rotations"]
    return found


def state(clone: Clone) -> Deployment:
    exported = clone.fleet("pulumi", "stack", "export")
    return Deployment(exported[exported.index("{") :])


def authority(clone: Clone) -> Mapping[str, Any]:
    found = state(clone).of_kind("CertificateAuthority")
    return next(its.outputs for its in found if its.name == "cluster1-ca")


def test_a_ca_is_rotated_from_the_first_question_to_the_last_phase(cluster: Clone) -> None:
    written = file_of(cluster).read_text()
    first = authority(cluster)["certificate"]
    shown = on_terminal(cluster, *ROTATE, when="Apply these changes", answer="n", status=1)
    assert "+          ca: prepare" in shown
    refused = cluster.fleet(*ROTATE, "--phase", "finish", "--yes", status=2)
    assert "rotation of ca cannot go from no phase to finish: no rotation" in refused
    assert file_of(cluster).read_text() == written

    shown = cluster.fleet("rotate", "ca", "-l", "region=tokyo", "--yes")
    assert "cluster1: ca is in the phase prepare; next: fleet rotate ca --cluster cluster1" in shown
    assert "Kubeconfigs that were handed over know the former CA alone" in shown
    assert rotations(cluster) == {"ca": PREPARE}
    lines = file_of(cluster).read_text().splitlines()
    assert [line for line in lines if line not in written.splitlines()] == [
        "        rotations:",
        "          ca: prepare",
    ]
    assert "prepare" in cluster.fleet("rotate", "status")

    prepared = file_of(cluster).read_text()
    question = "Take ca of cluster1 through all phases now"
    shown = on_terminal(cluster, *ROTATE, "--now", when=question, answer="n", status=1)
    assert "+          ca: switch" in shown
    assert file_of(cluster).read_text() == prepared
    shown = cluster.fleet(*ROTATE, "--now", "--yes")
    assert "kubeconfigs that were handed over stop working" in shown
    assert rotations(cluster) == {"ca": FINISH}
    assert IMMEDIATE not in file_of(cluster).read_text()
    ended = authority(cluster)
    assert (ended["phase"], ended["other_certificate"]) == (FINISH, "")
    assert ended["certificate"] != first

    file_of(cluster).write_text(written)
    assert "no changes" in cluster.fleet("preview").lower()
