"""kubeadm's configuration documents (kubeadm.k8s.io/v1beta4).

https://kubernetes.io/docs/reference/config-api/kubeadm-config.v1beta4/

A machine's documents do not mention other machines, so adding or removing one changes nothing
for the rest.
"""

from collections.abc import Mapping
from typing import Any

import yaml

from model.fleet import Cluster
from model.machine import Machine
from model.render import hardening, kubeadm_flags, restart_markers, security_flags, volumes
from model.render.durations import go_duration
from model.render.node_paths import KUBELET_SERVING, PATCHES
from model.well_known import API_PORT, POOL_LABEL

API_VERSION = "kubeadm.k8s.io/v1beta4"
CRI_SOCKET = "unix:///run/containerd/containerd.sock"
# scripts/node/join.sh writes how to reach the cluster here.
JOIN_DISCOVERY = "/run/kubeadm-fleet-join/join.conf"
PATCHES_FIELD = {"directory": PATCHES}
# The prefix length of Nodes' shares of the pod subnet. kubeadm compares the pod subnet with this
# flag alone, not with `node-cidr-mask-size`, which the controller manager takes as well.
MASK_FLAG = "node-cidr-mask-size-ipv4"
# The lifetime of kubelets' client certificates, which the controller manager issues.
SIGNING_FLAG = "cluster-signing-duration"

Document = dict[str, Any]


def init_configuration(machine: Machine) -> str:
    """Return a control plane's own part of the documents for `kubeadm init` and its phases.

    It names no bootstrap token: machines join with certificates of their Nodes.
    """
    return _dump(
        {
            "apiVersion": API_VERSION,
            "kind": "InitConfiguration",
            "nodeRegistration": _registration(machine),
            "localAPIEndpoint": {"advertiseAddress": machine.address, "bindPort": API_PORT},
            "patches": PATCHES_FIELD,
        }
    )


def cluster_documents(cluster: Cluster) -> str:
    """Return the documents for `kubeadm init` that are the same on every machine."""
    return "---\n".join(map(_dump, cluster_objects(cluster)))


def cluster_objects(cluster: Cluster) -> tuple[Document, Document, Document]:
    """Return the configurations of the cluster, of its kubelets and of kube-proxy."""
    return _configuration(cluster), _kubelet(cluster), _kube_proxy_configuration()


def join_documents(cluster: Cluster, machine: Machine) -> str:
    """Return the document for `kubeadm join --config`."""
    document: Document = {
        "apiVersion": API_VERSION,
        "kind": "JoinConfiguration",
        "discovery": {"file": {"kubeConfigPath": JOIN_DISCOVERY}},
        "nodeRegistration": _registration(machine),
    }
    if machine in cluster.control_planes:
        document["controlPlane"] = {
            "localAPIEndpoint": {"advertiseAddress": machine.address, "bindPort": API_PORT}
        }
    if machine in cluster.control_planes or machine.kubelet:
        document["patches"] = PATCHES_FIELD
    return _dump(document)


def _registration(machine: Machine) -> Document:
    arguments = {"node-ip": machine.address}
    if machine.pool:
        # There from the start for selectors; the rollout keeps it.
        arguments["node-labels"] = f"{POOL_LABEL}={machine.pool}"
    return {
        "name": machine.name,
        "criSocket": CRI_SOCKET,
        "imagePullPolicy": "IfNotPresent",
        "kubeletExtraArgs": _arguments(arguments),
        # Explicit even if empty: kubeadm would apply its default.
        "taints": [
            {
                "key": taint.key,
                **({"value": taint.value} if taint.value else {}),
                "effect": taint.effect,
            }
            for taint in machine.taints
        ],
    }


def cluster_configuration(cluster: Cluster) -> str:
    """Return the ClusterConfiguration, the same on every control plane, as one YAML document.

    It names no machine: kubeadm adds a control plane's own name and address to its certificate.
    """
    return _dump(_configuration(cluster))


def _configuration(cluster: Cluster) -> Document:
    names = (cluster.endpoint_host, *cluster.api_server.cert_sans)
    return _common_part(cluster) | {
        "kubernetesVersion": cluster.kubernetes_version,
        "networking": {
            "podSubnet": str(cluster.pod_subnet),
            "serviceSubnet": str(cluster.service_subnet),
            "dnsDomain": cluster.dns_domain,
        },
        "apiServer": {
            "certSANs": list(dict.fromkeys(names)),
            "extraArgs": _arguments(
                {
                    **kubeadm_flags.API_SERVER,
                    **(kubeadm_flags.BALANCED_API_SERVER if cluster.vip else {}),
                    **security_flags.api_server(cluster.security),
                    **hardening.api_server(cluster.security),
                    **cluster.api_server.extra_args,
                }
            ),
            **_volumes(cluster, volumes.API_SERVER),
            **_environment(cluster, restart_markers.API_SERVER),
        },
        "controllerManager": {
            "extraArgs": _arguments(
                {
                    MASK_FLAG: str(cluster.node_cidr_mask_size),
                    SIGNING_FLAG: go_duration(cluster.lifetimes.leaves),
                    **kubeadm_flags.CONTROLLER_MANAGER,
                    **hardening.controller_manager(cluster.security),
                    **cluster.controller_manager.extra_args,
                }
            ),
            **_volumes(cluster, volumes.CONTROLLER_MANAGER),
            **_environment(cluster, restart_markers.CONTROLLER_MANAGER),
        },
        "scheduler": {
            "extraArgs": _arguments(
                {
                    **hardening.scheduler(cluster.security),
                    **cluster.scheduler.extra_args,
                }
            ),
            **_volumes(cluster, volumes.SCHEDULER),
            **_environment(cluster, restart_markers.SCHEDULER),
        },
        "etcd": {
            "local": {
                "extraArgs": _arguments(
                    {
                        **kubeadm_flags.ETCD,
                        **hardening.etcd(cluster.security, cluster.etcd.extra_args),
                        **cluster.etcd.extra_args,
                    }
                ),
                **_environment(cluster, restart_markers.ETCD),
            }
        },
    }


def leaf_configuration(cluster: Cluster) -> str:
    """Return the part of the ClusterConfiguration that a renewal of certificates needs.

    scripts/node/leaves.sh adds the version of the kubeadm that makes them.
    """
    return _dump(_common_part(cluster))


def _common_part(cluster: Cluster) -> Document:
    return {
        "apiVersion": API_VERSION,
        "kind": "ClusterConfiguration",
        "clusterName": cluster.name,
        "controlPlaneEndpoint": cluster.endpoint,
        "encryptionAlgorithm": "ECDSA-P256",
        "certificateValidityPeriod": go_duration(cluster.lifetimes.leaves),
    }


def _volumes(cluster: Cluster, component: str) -> Document:
    found = volumes.of_component(cluster, component)
    return {"extraVolumes": found} if found else {}


def _environment(cluster: Cluster, component: str) -> Document:
    """Return what has the component restarted in a phase of a rotation, if anything."""
    known = restart_markers.markers(cluster.rotations, cluster.kubernetes_version)
    value = known.get(component)
    return {"extraEnvs": [{"name": restart_markers.VARIABLE, "value": value}]} if value else {}


def _arguments(arguments: Mapping[str, str]) -> list[Document]:
    """Return flags in v1beta4 form, in an order independent of the config's."""
    return [{"name": name, "value": value} for name, value in sorted(arguments.items())]


def kubelet_configuration(cluster: Cluster) -> str:
    """Return the KubeletConfiguration, the same on every machine, as one YAML document."""
    return _dump(_kubelet(cluster))


def _kubelet(cluster: Cluster) -> Document:
    return overridden(_own_kubelet_configuration(cluster), with_swap(cluster.kubelet))


def accepts_swap(cluster: Cluster, machine: Machine) -> bool:
    """Return whether the machine's kubelet starts on a host with swap."""
    return not _kubelet_settings(cluster, machine).get("failSwapOn", True)


def has_own_resolver(cluster: Cluster, machine: Machine) -> bool:
    """Return whether the config names the file that pods have their nameservers from."""
    return bool(_kubelet_settings(cluster, machine).get("resolvConf"))


def _kubelet_settings(cluster: Cluster, machine: Machine) -> Document:
    of_all = overridden(_own_kubelet_configuration(cluster), with_swap(cluster.kubelet))
    return overridden(of_all, with_swap(machine.kubelet))


def with_swap(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings that let pods use swap with what the kubelet needs to start beside it."""
    if settings.get("memorySwap", {}).get("swapBehavior") == "LimitedSwap":
        return {"failSwapOn": False, **settings}
    return dict(settings)


def overridden(own: Document, settings: Mapping[str, Any]) -> Document:
    """Return fields of the kubelet overridden by settings, with nested mappings merged."""
    merged = dict(own)
    for key, value in settings.items():
        both = isinstance(own.get(key), dict) and isinstance(value, Mapping)
        merged[key] = overridden(own[key], value) if both else value
    return merged


def _own_kubelet_configuration(cluster: Cluster) -> Document:
    document: Document = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "rotateCertificates": True,
        "tlsCertFile": KUBELET_SERVING,
        "tlsPrivateKeyFile": KUBELET_SERVING,
        **hardening.kubelet(cluster.security),
        # From 1.35 on the kubelet does not start on cgroup v1 unless configured to (KEP-5573).
        "failCgroupV1": False,
    }
    if cluster.driver == "container":
        # Container machines share their host: it may have swap, and its disk is shared, so that
        # percentages of it are meaningless for the machine.
        document |= {
            "failSwapOn": False,
            "imageGCHighThresholdPercent": 100,
            "evictionHard": {
                "memory.available": "100Mi",
                "nodefs.available": "1Gi",
                "imagefs.available": "1Gi",
            },
        }
    return document


def _kube_proxy_configuration() -> Document:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        # Keep the host's conntrack limits: kube-proxy would set them per core, which lowers the
        # kernel's choice on small hosts, and a container may not set them.
        "conntrack": {"maxPerCore": 0, "min": 0},
    }


def _dump(document: Document) -> str:
    return yaml.safe_dump(document, sort_keys=False)
