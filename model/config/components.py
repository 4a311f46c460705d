"""Kubernetes components: fields of the kubelet, flags of the control plane's."""

from typing import Annotated, Any

from pydantic import Field

from model.config import component_flags
from model.config.addresses import AltName
from model.config.component_files import ComponentFiles
from model.config.kubelet_fields import ENTRIES as KUBELET_FIELDS
from model.config.strict import Strict


class ApiServer(ComponentFiles):
    """API server settings in addition to kubeadm's."""

    extra_args: Annotated[dict[str, Any], component_flags.OF_API_SERVER] = Field(
        default_factory=dict,
        description="Flags of kube-apiserver, without leading dashes.",
        examples=[{"event-ttl": "24h"}],
    )
    cert_sans: list[AltName] | None = Field(
        None,
        alias="certSANs",
        description="Additional subject alternative names of its certificate.",
    )


class ControllerManager(ComponentFiles):
    """Controller manager settings in addition to kubeadm's."""

    extra_args: Annotated[dict[str, Any], component_flags.OF_CONTROLLER_MANAGER] = Field(
        default_factory=dict,
        description="Flags of kube-controller-manager, without leading dashes.",
        examples=[{"terminated-pod-gc-threshold": "500"}],
    )


class Scheduler(ComponentFiles):
    """Scheduler settings in addition to kubeadm's."""

    extra_args: Annotated[dict[str, Any], component_flags.OF_SCHEDULER] = Field(
        default_factory=dict,
        description="Flags of kube-scheduler, without leading dashes.",
        examples=[{"v": "4"}],
    )


class Etcd(Strict):
    """etcd settings in addition to kubeadm's."""

    extra_args: Annotated[dict[str, Any], component_flags.OF_ETCD] = Field(
        default_factory=dict,
        description="Flags of etcd, without leading dashes.",
        examples=[{"quota-backend-bytes": "8589934592"}],
    )


class KubernetesComponents(Strict):
    """Kubernetes component settings, named as in kubeadm; a cluster's override the fleet's."""

    kubelet: Annotated[dict[str, Any], KUBELET_FIELDS] = Field(
        default_factory=dict,
        description="Fields of KubeletConfiguration, for every machine.",
        examples=[{"maxPods": 200}],
    )
    api_server: ApiServer = Field(default_factory=ApiServer, description="The API servers.")
    controller_manager: ControllerManager = Field(
        default_factory=ControllerManager, description="The controller managers."
    )
    scheduler: Scheduler = Field(default_factory=Scheduler, description="The schedulers.")
    etcd: Etcd = Field(default_factory=Etcd, description="The members of etcd.")
