"""The key that encrypts Secrets is rotated in a running cluster; the tests run in order."""

import pytest

from model.rotation_phases import PHASES, PREPARE
from tests.e2e import stored
from tests.e2e.asking import command_of
from tests.e2e.kubectl import Kubectl
from tests.e2e.pulumi_stack import PulumiStack

pytestmark = [pytest.mark.root, pytest.mark.slow]

PLANE = "cluster1-control-plane-0"


def test_all_secrets_get_another_key_and_nothing_else_changes(
    fleet: PulumiStack, kubectl: Kubectl
) -> None:
    cluster = kubectl.within("cluster1-admin")
    cluster("create", "secret", "generic", "kept", "--from-literal=text=a-text")
    former = _keys(cluster)
    assert len(former) == 1
    for phase in PHASES:
        words = ("encryption", "--cluster", "cluster1", "--write-only")
        wrote = command_of(fleet, "rotate", *words)
        assert wrote.returncode == 0, wrote.stdout + wrote.stderr
        fleet.read_config()
        assert fleet.config["clusters"]["cluster1"]["rotations"] == {"encryption": phase}
        changed = fleet.up().steps("create", "update", "replace", "delete")
        assert not [name for name in changed if name.startswith("cluster2")]
        assert len(_keys(cluster)) == 1
        assert (_keys(cluster) == former) == (phase == PREPARE)
    read = cluster("get", "secret", "kept", "--output", "jsonpath={.data.text}")
    assert read == "YS10ZXh0"
    cluster("delete", "secret", "kept")
    # A finished rotation may be removed from the config.
    del fleet.config["clusters"]["cluster1"]["rotations"]
    assert (run := fleet.preview()).changes == {}, run.output


def _keys(cluster: Kubectl) -> set[bytes]:
    """The names of the keys that wrote the Secrets in etcd."""
    found = stored.secrets(cluster, PLANE).values()
    assert all(value.startswith(b"k8s:enc:secretbox:v1:") for value in found)
    return {value.split(b":")[4] for value in found}
