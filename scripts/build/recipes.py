"""Build recipes for bundles and the tool chain.

The versions of etcd, CoreDNS and pause are those that kubeadm lists; the others are in
model/pins.py.
"""

from collections.abc import Mapping
from typing import Any, cast

from model import pins
from scripts.build.gomodule import GoProgram, download, go_mod, ldflags

KUBERNETES = "k8s.io/kubernetes"
CALICO = "github.com/projectcalico/calico"
PLUGINS = "github.com/containernetworking/plugins"
METRICS_SERVER = "sigs.k8s.io/metrics-server"
NODE_PROGRAMS = ("kubeadm", "kubelet", "kubectl")
CONTROL_PLANE_PROGRAMS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")


def kubernetes(version: str) -> GoProgram:
    """Kubernetes' own programs, `version` such as "v1.36.3"."""
    source = download(KUBERNETES, version)
    document = go_mod(source)
    _, minor, patch = version.removeprefix("v").split(".")
    info = {"gitVersion": version, "gitMajor": "1", "gitMinor": minor}
    variables = {f"k8s.io/component-base/version.{key}": value for key, value in info.items()}
    variables["k8s.io/client-go/pkg/version.gitVersion"] = version
    names = (*NODE_PROGRAMS, *CONTROL_PLANE_PROGRAMS, "kube-proxy")
    return GoProgram(
        KUBERNETES,
        version,
        tuple(f"{KUBERNETES}/cmd/{name}" for name in names),
        ldflags=ldflags(variables),
        replacements={
            name: f"{name} v0.{minor}.{patch}"
            for name in _replaced(document)
            if name.startswith("k8s.io/")
        },
        godebug=tuple(
            f"{setting['Key']}={setting['Value']}"
            for setting in cast(list[dict[str, str]], document.get("GoDebug") or [])
        ),
    )


def etcd_server(version: str) -> GoProgram:
    """The etcd server; its executable is named after its module: "server"."""
    module = "go.etcd.io/etcd/server/v3"
    return GoProgram(module, version, (module,))


def etcd_tools(version: str) -> dict[str, GoProgram]:
    """etcdctl and etcdutl: separate modules of etcd's release."""
    modules = {name: f"go.etcd.io/etcd/{name}/v3" for name in ("etcdctl", "etcdutl")}
    return {name: GoProgram(module, version, (module,)) for name, module in modules.items()}


def coredns(version: str) -> GoProgram:
    """CoreDNS."""
    module = "github.com/coredns/coredns"
    return GoProgram(module, version, (module,))


def containerd() -> GoProgram:
    """containerd, its shim for runc, and ctr."""
    module = "github.com/containerd/containerd/v2"
    names = ("containerd", "containerd-shim-runc-v2", "ctr")
    variables = {f"{module}/version.Version": pins.CONTAINERD}
    packages = tuple(f"{module}/cmd/{name}" for name in names)
    return GoProgram(module, pins.CONTAINERD, packages, ldflags=ldflags(variables))


def cni_plugins() -> GoProgram:
    """The reference CNI plugins that a node needs."""
    names = ("main/bridge", "main/loopback", "ipam/host-local", "meta/portmap", "meta/firewall")
    return GoProgram(
        PLUGINS, pins.CNI_PLUGINS, tuple(f"{PLUGINS}/plugins/{name}" for name in names)
    )


def flannel_plugin() -> GoProgram:
    """flannel's own CNI plugin."""
    return GoProgram(PLUGINS, pins.CNI_FLANNEL, (f"{PLUGINS}/plugins/meta/flannel",))


def flannel() -> GoProgram:
    """flanneld. Its udp backend is C, and its cloud SDK needs newer indirect versions."""
    module = "github.com/flannel-io/flannel"
    cloud = "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud"
    variables = {f"{module}/pkg/version.Version": pins.FLANNEL}
    return GoProgram(
        module,
        pins.FLANNEL,
        (module,),
        ldflags=ldflags(variables, ["-linkmode external", '-extldflags "-static"']),
        replacements={
            f"{cloud}/common": f"{cloud}/common {pins.FLANNEL_CLOUD_COMMON}",
            f"{cloud}/vpc": f"{cloud}/vpc {pins.FLANNEL_CLOUD_VPC}",
        },
        cgo=True,
        tags=("netgo", "osusergo"),
    )


def calico() -> GoProgram:
    """Calico's Felix (calico-node), its CNI plugin and that plugin's installer."""
    document = go_mod(download(CALICO, pins.CALICO_MODULE))
    # Its API is a folder of the repository, and a module of its own in the registry.
    own = {"github.com/projectcalico/api": f"github.com/projectcalico/api {pins.CALICO_API}"}
    others = {
        entry["Old"]["Path"]: f"{entry['New']['Path']} {entry['New']['Version']}"
        for entry in document.get("Replace") or []
        if entry["Old"]["Path"] not in own
    }
    variables = {f"{CALICO}/node/buildinfo.GitVersion": pins.CALICO, "main.VERSION": pins.CALICO}
    packages = ("node/cmd/calico-node", "cni-plugin/cmd/calico", "cni-plugin/cmd/install")
    return GoProgram(
        CALICO,
        pins.CALICO_MODULE,
        tuple(f"{CALICO}/{package}" for package in packages),
        ldflags=ldflags(variables),
        replacements={**others, **own},
    )


def metrics_server() -> GoProgram:
    """metrics-server."""
    variables = {"k8s.io/client-go/pkg/version.gitVersion": pins.METRICS_SERVER}
    packages = (f"{METRICS_SERVER}/cmd/metrics-server",)
    return GoProgram(METRICS_SERVER, pins.METRICS_SERVER, packages, ldflags=ldflags(variables))


def pulumi() -> GoProgram:
    """The pulumi command line."""
    module = "github.com/pulumi/pulumi/pkg/v3"
    variables = {"github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": pins.PULUMI}
    return GoProgram(
        module, f"v{pins.PULUMI}", (f"{module}/cmd/pulumi",), ldflags=ldflags(variables)
    )


def language_host() -> GoProgram:
    """Pulumi's host for Python programs."""
    module = "github.com/pulumi/pulumi/sdk/v3"
    return GoProgram(
        module, pins.PULUMI_LANGUAGE_HOST, (f"{module}/python/cmd/pulumi-language-python",)
    )


def actionlint() -> GoProgram:
    """The linter of GitHub workflows."""
    module = "github.com/rhysd/actionlint"
    return GoProgram(module, pins.ACTIONLINT, (f"{module}/cmd/actionlint",))


def _replaced(document: Mapping[str, Any]) -> list[str]:
    return [entry["Old"]["Path"] for entry in document.get("Replace") or []]
