"""The only control plane of a cluster, lost with its host, with the real engine."""

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.kubectl import Kubectl
from tests.ops.hosts.bare_hosts import BareHost, Lab
from tests.ops.hosts.stack import HostsStack
from tests.ops.hosts.test_fleet import described, named

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.long]


def test_another_host_starts_an_empty_cluster_only_with_a_consent(lab: Lab, tmp_path: Path) -> None:
    former, other = lab.boot("former", 11), lab.boot("other", 12)

    def config(host: BareHost, **consent: str) -> dict[str, Any]:
        config = described({"user": "root"}, host)
        cluster = config["clusters"]["edge"]
        cluster["endpoint"] = {"vip": f"{lab.address(100)}:8443"}
        cluster["controlPlanes"] = {"hosts": {"cp": named(host)}, **consent}
        return config

    key = lab.key.private_openssh
    stack = HostsStack(tmp_path / "stack", config(former), sshPrivateKey=key)
    stack.create()
    stack.up()
    path = tmp_path / "kubeconfig"
    path.write_text(stack.output("kubeconfig"))
    kubectl = Kubectl(path)
    kubectl("create", "configmap", "kept", "--from-literal", "by=etcd")

    stack.config = config(former, acceptDataLoss="given before a loss")
    assert stack.up().steps("update", "replace", "create") == ["edge-initialization"]
    former.pause()
    stack.environment["KUBEADM_FLEET_FORGET_HOSTS"] = "edge-cp"
    stack.config["clusters"]["edge"]["controlPlanes"]["hosts"] = {"cp": named(other)}
    for verb in (("preview",), ("up", "--yes", "--skip-preview")):
        refused = stack.run(*verb)
        assert refused.status != 0
        assert "was given for an earlier loss" in refused.output
    stack.config = config(other, acceptDataLoss="an exercise")
    stack.up()
    assert kubectl.node_names() == ["edge-cp"]
    assert "kept" not in kubectl("get", "configmaps", "--output", "name")
    assert (run := stack.up()).changes == {}, run.output
    stack.destroy()
