"""Which fields of KubeletConfiguration a config may set, and what each of them may be.

https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/

A kubelet leaves out a field that it does not know, and says so in its log only: a misspelt name
would be a setting that is never applied. A value of the wrong type stops it. So both are refused
here, before any machine is touched.
"""

import difflib
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from model.config.open_mapping import OpenMapping, Violation

_TLS = "the program says which certificates a kubelet shows"
_KUBEADM = "kubeadm sets it, and the API server counts on it"
_HEALTH = "kubeadm asks for the kubelet's health at 127.0.0.1:10248"
_PODS = "kubeadm writes the control plane's pods to /etc/kubernetes/manifests"
_ONE = "it is another on every machine"
_NODE = "without it the machine is no Node"
OWNED = {
    "apiVersion": "the program writes the document's head",
    "kind": "the program writes the document's head",
    "address": _ONE,
    "authentication": _KUBEADM,
    "authorization": _KUBEADM,
    "cgroupDriver": "the kubelet asks the container runtime, which follows the machine",
    "clusterDNS": "it follows from networking.serviceSubnet",
    "clusterDomain": "say networking.dnsDomain",
    "containerRuntimeEndpoint": "the program installs containerd and says where it answers",
    "enableServer": _NODE,
    "failCgroupV1": "the program decides it, so that hosts with cgroup v1 start at all",
    "healthzBindAddress": _HEALTH,
    "healthzPort": _HEALTH,
    "podCIDR": _ONE,
    "port": "the API server reaches every kubelet at 10250",
    "providerID": _ONE,
    "registerNode": _NODE,
    "registerWithTaints": "say controlPlanes.taints or workers.taints",
    "rotateCertificates": "the kubelet's certificate would expire within a year",
    "runOnce": _NODE,
    "serverTLSBootstrap": "nobody would approve the certificates that kubelets ask for",
    "staticPodPath": _PODS,
    "staticPodURL": _PODS,
    "staticPodURLHeader": _PODS,
    "tlsCertFile": _TLS,
    "tlsPrivateKeyFile": _TLS,
}


@dataclass(frozen=True)
class _Kind:
    label: str
    example: str
    fits: Callable[[Any], bool]


def _is_text(value: Any) -> bool:
    return type(value) is str and value.isprintable()


def _is_number(value: Any) -> bool:
    return type(value) is int and -(2**31) <= value < 2**31


def _is_duration(value: Any) -> bool:
    part = r"\d{1,9}(\.\d{1,9})?(ns|us|ms|s|m|h)"
    return type(value) is str and re.fullmatch(rf"0|({part})+", value) is not None


def _is_plain(value: Any) -> bool:
    """Tell whether kubeadm's YAML can hold the value and everything in it."""
    if isinstance(value, dict):
        return all(_is_text(key) and _is_plain(below) for key, below in value.items())
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return (
        type(value) is bool
        or _is_text(value)
        or _is_number(value)
        or (type(value) is float and math.isfinite(value))
    )


def _list_of(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(map(fits, value))


def _map_of(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: (
        isinstance(value, dict) and all(map(_is_text, value)) and all(map(fits, value.values()))
    )


def _is_mapping(value: Any) -> bool:
    return isinstance(value, dict) and _is_plain(value)


_KINDS = {
    _Kind("true or false", "true", lambda value: type(value) is bool): """
        cgroupsPerQOS cpuCFSQuota enableContentionProfiling enableControllerAttachDetach
        enableDebugFlagsHandler enableDebuggingHandlers enableProfilingHandler
        enableSystemLogHandler enableSystemLogQuery failSwapOn kernelMemcgNotification
        localStorageCapacityIsolation makeIPTablesUtilChains mergeDefaultEvictionSettings
        protectKernelDefaults seccompDefault serializeImagePulls singleProcessOOMKill""",
    _Kind("a whole number", "10", _is_number): """
        containerLogMaxFiles containerLogMaxWorkers eventBurst eventRecordQPS
        evictionMaxPodGracePeriod imageGCHighThresholdPercent imageGCLowThresholdPercent
        iptablesDropBit iptablesMasqueradeBit kubeAPIBurst kubeAPIQPS maxOpenFiles
        maxParallelImagePulls maxPods nodeLeaseDurationSeconds nodeStatusMaxImages oomScoreAdj
        podPidsLimit podsPerCore readOnlyPort registryBurst registryPullQPS""",
    _Kind(
        "a number", "0.9", lambda value: type(value) in (int, float) and math.isfinite(value)
    ): "memoryThrottlingFactor",
    _Kind("a duration with its unit, such as 90s, 5m or 1h30m", "5m", _is_duration): """
        containerLogMonitorInterval cpuCFSQuotaPeriod cpuManagerReconcilePeriod
        evictionPressureTransitionPeriod fileCheckFrequency httpCheckFrequency imageMaximumGCAge
        imageMinimumGCAge nodeStatusReportFrequency nodeStatusUpdateFrequency
        runtimeRequestTimeout shutdownGracePeriod shutdownGracePeriodCriticalPods
        streamingConnectionIdleTimeout syncFrequency volumeStatsAggPeriod""",
    _Kind("text", '"..."', _is_text): """
        cgroupRoot configMapAndSecretChangeDetectionStrategy containerLogMaxSize contentType
        cpuManagerPolicy hairpinMode imagePullCredentialsVerificationPolicy imageServiceEndpoint
        kubeReservedCgroup kubeletCgroups memoryManagerPolicy memoryReservationPolicy podLogsDir
        reservedSystemCPUs resolvConf showHiddenMetricsForVersion systemCgroups
        systemReservedCgroup tlsMinVersion topologyManagerPolicy topologyManagerScope
        volumePluginDir""",
    _Kind("a list of texts", '["..."]', _list_of(_is_text)): """
        allowedUnsafeSysctls enforceNodeAllocatable preloadedImagesVerificationAllowlist
        tlsCipherSuites""",
    _Kind("a list of whole numbers", "[29]", _list_of(_is_number)): "tlsCurvePreferences",
    _Kind("a list of mappings", "[{...}]", _list_of(_is_mapping)): """
        reservedMemory shutdownGracePeriodByPodPriority""",
    _Kind("a mapping of texts; quote numbers", "{memory: 200Mi}", _map_of(_is_text)): """
        cpuManagerPolicyOptions defaultPodSysctls evictionHard evictionMinimumReclaim evictionSoft
        evictionSoftGracePeriod kubeReserved qosReserved systemReserved
        topologyManagerPolicyOptions""",
    _Kind(
        "a mapping of names to true or false",
        "{NodeSwap: true}",
        _map_of(lambda value: type(value) is bool),
    ): "featureGates",
    _Kind("a mapping", "{...}", _is_mapping): """
        crashLoopBackOff logging memorySwap tracing userNamespaces""",
}
FIELDS = {name: kind for kind, names in _KINDS.items() for name in names.split()}
# The minor version that brought a field; the others are in all that are supported.
SINCE = {"defaultPodSysctls": 37, "memoryReservationPolicy": 36, "tlsCurvePreferences": 36}
EXAMPLE = "maxPods: 200"


def check(name: str, value: Any) -> Violation | None:
    """Return what is wrong with a field, if anything is."""
    if name in OWNED:
        return Violation(
            f"not a config's to set: {OWNED[name]}",
            "any other field of KubeletConfiguration",
            EXAMPLE,
        )
    if name not in FIELDS:
        nearest = difflib.get_close_matches(name, FIELDS, n=1, cutoff=0.75)
        hint = f"; did you mean {nearest[0]}?" if nearest else ""
        return Violation(
            f"no field of KubeletConfiguration{hint}",
            "a field of KubeletConfiguration (kubelet.config.k8s.io/v1beta1)",
            f"{nearest[0]}: {FIELDS[nearest[0]].example}" if nearest else EXAMPLE,
        )
    kind = FIELDS[name]
    if kind.fits(value):
        return None
    return Violation(f"not {kind.label.partition(',')[0]}", kind.label, f"{name}: {kind.example}")


ENTRIES = OpenMapping(check, {"propertyNames": {"enum": sorted(FIELDS)}})
