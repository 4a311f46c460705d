"""The policy engine's objects, and when its Nodes get their CNI configuration."""

import ctypes
import json
import os
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml

from model.cni import calico, plugins
from model.load import load
from tests.model.examples import CONTAINER, changed
from tests.waiting import await_true

CALICO = changed(CONTAINER, ("clusters/cluster1/networking", {"networkPolicy": "calico"}))
RULES = "-A FORWARD -m comment --comment x -j cali-FORWARD"
VXLAN = changed(CALICO, ("clusters/cluster1/network", "calico"))
# Of each network: the config, the file with the Node's share, the device, the CNI configuration.
NETWORKS = {
    "flannel": (CALICO, "run/flannel/subnet.env", "flannel.1", "10-canal.conflist"),
    "calico": (VXLAN, "run/calico/share", "vxlan.calico", "10-calico.conflist"),
}
# A file was renamed, for inotify: IN_MOVED_FROM.
MOVED = 0x40
# Long enough for the loop to have looked several times.
LOOKS_SECONDS = 1


def objects(config: dict[str, Any]) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(plugins.pod_network(load(config).clusters[0])))


def daemon(name: str, config: dict[str, Any] = CALICO) -> dict[str, Any]:
    found = [each for each in objects(config) if each["kind"] == "DaemonSet"]
    (spec,) = [
        each["spec"]["template"]["spec"] for each in found if each["metadata"]["name"] == name
    ]
    return dict(spec)


def test_nothing_of_it_is_in_a_cluster_without_policies() -> None:
    plain = changed(CONTAINER, ("clusters/cluster1/networking", {"networkPolicy": "none"}))
    assert "calico" not in plugins.pod_network(load(plain).clusters[0])
    assert "calico" not in load(plain).clusters[0].supplements
    assert "calico" in load(CALICO).clusters[0].supplements


def test_one_plugin_alone_is_configured() -> None:
    """Whichever file sorts first would win."""
    pod = daemon("flannel")
    assert "initContainers" not in pod
    assert "lifecycle" not in pod["containers"][0]
    assert "/etc/cni" not in json.dumps(pod)
    documents = objects(CALICO)
    (network,) = [
        each["data"] for each in documents
        if each["kind"] == "ConfigMap" and each["metadata"]["namespace"] == "kube-flannel"
    ]  # fmt: skip
    assert [*network] == ["net-conf.json"]


def test_every_kind_that_is_read_is_defined_before_it_is_used() -> None:
    kinds = [each["kind"] for each in objects(CALICO)]
    defined = [
        each["spec"]["names"] for each in objects(CALICO)
        if each["kind"] == "CustomResourceDefinition"
    ]  # fmt: skip
    assert {names["plural"] for names in defined} == {
        *("bgpconfigurations", "clusterinformations", "felixconfigurations", "hostendpoints"),
        *("globalnetworkpolicies", "globalnetworksets", "ippools"),
        *("networkpolicies", "networksets"),
    }
    last = len(kinds) - kinds[::-1].index("CustomResourceDefinition")
    assert last < kinds.index("ClusterInformation") < kinds.index("DaemonSet", last)


def test_the_namespaces_of_our_own_deny_everything() -> None:
    denied = {
        each["metadata"]["namespace"]
        for each in objects(CALICO)
        if each == calico.default_deny(each["metadata"].get("namespace", ""))
    }
    assert denied == {"kube-flannel", "calico-system"}


def test_only_felix_has_a_token() -> None:
    pod = daemon("calico-node")
    assert pod["automountServiceAccountToken"] is False
    (installer,), (felix,) = pod["initContainers"], pod["containers"]
    assert "token" in [each["name"] for each in felix["volumeMounts"]]
    assert "token" not in [each["name"] for each in installer["volumeMounts"]]


class Felix:
    """A Node as the script sees it, in a folder: what is written last is `conflist`."""

    def __init__(self, folder: Path, network: str) -> None:
        self.folder = folder
        self.config, self.file, self.device, self.name = NETWORKS[network]
        self.status = 503
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(outer.status if self.path == "/readiness" else 404)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.server.serve_forever, daemon=True).start()
        link = f"sys/class/net/{self.device}"
        for path in ("run/flannel", "run/calico", "etc/cni/net.d", "bin", link):
            (folder / path).mkdir(parents=True)
        (folder / link / "mtu").write_text("1450\n")
        (folder / link / "flags").write_text("0x1002\n")
        self.rules("")

    def rules(self, text: str) -> None:
        for kind in ("nft", "legacy"):
            program = self.folder / f"bin/iptables-{kind}-save"
            program.write_text(f"#!/bin/sh\necho '{text if kind == 'nft' else ''}'\n")
            program.chmod(0o755)

    def share(self) -> None:
        (self.folder / self.file).write_text("10.244.7.0/24\n")

    def up(self) -> None:
        (self.folder / f"sys/class/net/{self.device}/flags").write_text("0x1003\n")

    def start(self) -> "subprocess.Popen[bytes]":
        (container,) = daemon("calico-node", self.config)["containers"]
        command = container["lifecycle"]["postStart"]["exec"]["command"]
        script = command[-1].replace("127.0.0.1/9099", f"127.0.0.1/{self.server.server_port}")
        variables = {each["name"]: each.get("value", "") for each in container["env"]}
        for path in ("/run/flannel", "/run/calico", "/etc/", "/sys/"):
            script = script.replace(path, f"{self.folder}{path}")
        environment = {
            "PATH": f"{self.folder}/bin:/usr/bin:/bin",
            "FELIX_FELIXHOSTNAME": "tokyo-worker-0",
            **{name: variables[name] for name in ("CNI_CONFIG", "TUNNEL", "CONFLIST")},
            "SHARE": f"{self.folder}{variables['SHARE']}",
        }
        return subprocess.Popen([*command[:-1], script], env=environment)

    @property
    def conflist(self) -> Path:
        return self.folder / "etc/cni/net.d" / self.name


@pytest.fixture(params=NETWORKS)
def felix(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Felix]:
    node = Felix(tmp_path, request.param)
    yield node
    node.server.shutdown()


@pytest.mark.parametrize("missing", ["readiness", "rules", "share", "device"])
def test_no_configuration_is_there_before_all_that_it_needs(felix: Felix, missing: str) -> None:
    """Felix answers that it is ready also while it waits for its data, without any rule."""
    steps = {
        "readiness": lambda: setattr(felix, "status", 200),
        "rules": lambda: felix.rules(RULES),
        "share": felix.share,
        "device": felix.up,
    }
    for name, step in steps.items():
        if name != missing:
            step()
    started = felix.start()
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            started.wait(LOOKS_SECONDS)
        assert not felix.conflist.is_symlink()
        steps[missing]()
        await_true(lambda: started.poll() is not None, "the configuration")
    finally:
        started.kill()
    assert started.returncode == 0
    assert felix.conflist.readlink() == felix.folder / "run/calico" / felix.name
    first, _ = json.loads(felix.conflist.read_text())["plugins"]
    assert (first["nodename"], first["mtu"]) == ("tokyo-worker-0", 1450)
    assert [path.name for path in felix.conflist.parent.iterdir()] == [felix.name]


def test_a_node_keeps_flannel_s_plugin_until_it_is_drained(felix: Felix) -> None:
    """The rollout removes its configuration then."""
    flannel = felix.conflist.parent / "10-flannel.conflist"
    flannel.touch()
    assert felix.start().wait(30) == 0
    assert [*felix.conflist.parent.iterdir()] == [flannel]


@pytest.mark.parametrize("booted", [False, True])
def test_containerd_notices_the_configuration(felix: Felix, *, booted: bool) -> None:
    """It reads the folder again after a rename in it; what is only created, it ignores.

    After a boot the link of before is there, and points nowhere.
    """
    if booted:
        felix.conflist.symlink_to(felix.folder / "run/calico" / felix.name)
        assert not felix.conflist.exists()
    libc = ctypes.CDLL(None)
    events = libc.inotify_init1(os.O_NONBLOCK)
    assert libc.inotify_add_watch(events, bytes(felix.conflist.parent), MOVED) > 0
    felix.status = 200
    felix.rules(RULES)
    felix.share()
    felix.up()
    assert felix.start().wait(30) == 0
    assert os.read(events, 4096)
    os.close(events)
    assert felix.conflist.exists()
