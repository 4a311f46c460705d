"""The identity of kubeadm's documents, and the description of their changes."""

from ops.rollout.documents import changed_keys, digest
from tests.ops.rollout.examples import CLUSTER


def test_version_and_formatting_are_no_setting() -> None:
    other = CLUSTER.replace("v1.36.3", "v1.37.2") + "\n\n# a remark\n"
    assert digest(other) == digest(CLUSTER)
    assert changed_keys(CLUSTER, other) == []


def test_changed_added_and_removed_arguments_are_named() -> None:
    new = """
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
apiServer:
  extraArgs:
  - {name: audit-log-maxage, value: "7"}
scheduler:
  extraArgs:
  - {name: v, value: "2"}
"""
    assert changed_keys(CLUSTER, new) == [
        "apiServer.extraArgs.audit-log-maxage",
        "apiServer.extraArgs.profiling",
        "scheduler.extraArgs",
    ]
