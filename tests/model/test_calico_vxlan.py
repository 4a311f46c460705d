"""Calico's own network: its objects, and what a Node announces before Felix starts."""

import json
import subprocess
from pathlib import Path
from typing import Any

import yaml

from model.cni import plugins
from model.load import load
from model.own_namespaces import network_namespaces
from tests.model.examples import CONTAINER, changed
from tests.model.refusals import Case, check_refused

ONE = "clusters/cluster1"
VXLAN = changed(
    CONTAINER, (f"{ONE}/network", "calico"), (f"{ONE}/networking", {"podSubnet": "10.60.0.0/16"})
)
# kubectl as the script calls it: the share is there at the second request, one annotation fails.
KUBECTL = """#!/bin/bash
log={folder}/asked
echo "$*" >>"$log"
case " $* " in
  *" get node tokyo-worker-0 "*) (($(grep -c " get " "$log") < 2)) || echo 10.60.7.0/24 ;;
  *" annotate "*) (($(grep -c " annotate " "$log") >= 2)) ;;
esac
"""


def objects() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(plugins.pod_network(load(VXLAN).clusters[0])))


def pod() -> dict[str, Any]:
    (daemon,) = (each for each in objects() if each["kind"] == "DaemonSet")
    return dict(daemon["spec"]["template"]["spec"])


def test_nothing_of_flannel_is_in_it() -> None:
    cluster = load(VXLAN).clusters[0]
    for found in objects():
        text = json.dumps(found)
        # Where it is left alone.
        for kept in ("calico-ipam,flannel,host-local", "10-flannel.conflist", "flannel's"):
            text = text.replace(kept, "")
        assert "flannel" not in text, found["kind"]
    assert plugins.described(cluster) == "calico"
    assert network_namespaces(cluster) == ("calico-system",)
    assert cluster.supplements == ("calico", "metrics-server")


def test_felix_finds_its_pool_when_it_starts() -> None:
    kinds = [each["kind"] for each in objects()]
    last = len(kinds) - kinds[::-1].index("CustomResourceDefinition")
    assert last <= kinds.index("IPPool") < kinds.index("DaemonSet")
    pool = objects()[kinds.index("IPPool")]["spec"]
    assert (pool["cidr"], pool["vxlanMode"]) == ("10.60.0.0/16", "Always")
    assert pool["natOutgoing"] is True


def test_every_volume_is_there_once_and_every_mount_has_one() -> None:
    volumes = [each["name"] for each in pod()["volumes"]]
    assert len(volumes) == len(set(volumes))
    for container in (*pod()["initContainers"], *pod()["containers"]):
        assert {mount["name"] for mount in container["volumeMounts"]} <= {*volumes}
        names = [variable["name"] for variable in container["env"]]
        assert len(names) == len(set(names))
    (felix,) = pod()["containers"]
    values = {each["name"]: each.get("value") for each in felix["env"]}
    assert (values["FELIX_VXLANENABLED"], values["FELIX_VXLANPORT"]) == ("true", "4789")


def test_a_node_announces_its_address_and_its_share_before_felix_starts(tmp_path: Path) -> None:
    container = pod()["initContainers"][-1]
    assert container["name"] == "announce"
    kubectl = tmp_path / "kubectl"
    kubectl.write_text(KUBECTL.replace("{folder}", str(tmp_path)))
    kubectl.chmod(0o755)
    *shell, script = container["command"]
    script = script.replace("/host/kubectl", str(kubectl)).replace("sleep 1", "sleep 0.01")
    environment = {
        "PATH": "/usr/bin:/bin", "NODE": "tokyo-worker-0", "HOST_ADDRESS": "192.0.2.7",
        "SHARE": str(tmp_path / "share"),
    }  # fmt: skip
    subprocess.run([*shell, script], env=environment, check=True, timeout=30)
    *gets, first, last = (tmp_path / "asked").read_text().splitlines()
    assert len(gets) == 2
    assert first == last
    assert last.endswith(
        "annotate --overwrite node tokyo-worker-0 projectcalico.org/IPv4Address=192.0.2.7/32 "
        "projectcalico.org/IPv4VXLANTunnelAddr=10.60.7.0"
    )
    assert (tmp_path / "share").read_text() == "10.60.7.0/24\n"


def test_only_the_announcement_has_the_kubelet_s_credential() -> None:
    paths = {each["name"]: each.get("hostPath", {}).get("path", "") for each in pod()["volumes"]}
    for container in (*pod()["initContainers"], *pod()["containers"]):
        mounted = json.dumps([paths[mount["name"]] for mount in container["volumeMounts"]])
        assert ("kubelet" in mounted) == (container["name"] == "announce")


def test_its_policies_cannot_be_switched_off() -> None:
    without = (f"{ONE}/networking", {"networkPolicy": "none"})
    refused: Case = (
        [(f"{ONE}/network", "calico"), without],
        "clusters.cluster1.networking.networkPolicy",
        "which always enforces policies",
    )
    check_refused(CONTAINER, refused)
