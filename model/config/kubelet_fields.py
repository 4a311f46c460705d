"""The KubeletConfiguration fields that a config may set, with their types.

https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/

A kubelet ignores unknown fields and only logs them, so a misspelt setting would silently have no
effect; a value of the wrong type stops the kubelet. Both are rejected here, before any machine is
touched.
"""

import difflib
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from model.config.open_mapping import OpenMapping, Violation

_TLS = "it issues the kubelets' serving certificates"
_KUBEADM = "set by kubeadm; the API server depends on it"
_HEALTH = "kubeadm probes the kubelet's health at 127.0.0.1:10248"
_PODS = "kubeadm writes the control plane's static pods to /etc/kubernetes/manifests"
_ONE = "differs per machine"
_NODE = "required for the machine to register as a Node"
OWNED = {
    "apiVersion": "it writes the document's header",
    "kind": "it writes the document's header",
    "address": _ONE,
    "authentication": _KUBEADM,
    "authorization": _KUBEADM,
    "cgroupDriver": "the kubelet gets it from the container runtime",
    "clusterDNS": "derived from networking.serviceSubnet",
    "clusterDomain": "set networking.dnsDomain instead",
    "containerRuntimeEndpoint": "it installs containerd and sets its socket",
    "enableServer": _NODE,
    "failCgroupV1": "it sets the field so that kubelets start on hosts with cgroup v1",
    "healthzBindAddress": _HEALTH,
    "healthzPort": _HEALTH,
    "podCIDR": _ONE,
    "port": "the API server reaches every kubelet on port 10250",
    "providerID": _ONE,
    "registerNode": _NODE,
    "registerWithTaints": "set controlPlanes.taints or workers.taints instead",
    "rotateCertificates": "without it the kubelet's client certificate would expire within a year",
    "runOnce": _NODE,
    "serverTLSBootstrap": _TLS,
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
    """Return whether the value and everything in it can be represented in kubeadm's YAML."""
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
    _Kind("a string", '"..."', _is_text): """
        cgroupRoot configMapAndSecretChangeDetectionStrategy containerLogMaxSize contentType
        cpuManagerPolicy hairpinMode imagePullCredentialsVerificationPolicy imageServiceEndpoint
        kubeReservedCgroup kubeletCgroups memoryManagerPolicy memoryReservationPolicy podLogsDir
        reservedSystemCPUs resolvConf showHiddenMetricsForVersion systemCgroups
        systemReservedCgroup tlsMinVersion topologyManagerPolicy topologyManagerScope
        volumePluginDir""",
    _Kind("a list of strings", '["..."]', _list_of(_is_text)): """
        allowedUnsafeSysctls enforceNodeAllocatable preloadedImagesVerificationAllowlist
        tlsCipherSuites""",
    _Kind("a list of whole numbers", "[29]", _list_of(_is_number)): "tlsCurvePreferences",
    _Kind("a list of mappings", "[{...}]", _list_of(_is_mapping)): """
        reservedMemory shutdownGracePeriodByPodPriority""",
    _Kind("a mapping of strings; quote numbers", "{memory: 200Mi}", _map_of(_is_text)): """
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
# The minor version that introduced a field; all other fields exist in every supported version.
SINCE = {"defaultPodSysctls": 37, "memoryReservationPolicy": 36, "tlsCurvePreferences": 36}
EXAMPLE = "maxPods: 200"
RELOADED_SERVING = "ReloadKubeletServerCertificateFile"


def check(name: str, value: Any) -> Violation | None:
    """Return the violation of a field, if there is one."""
    if name in OWNED:
        return Violation(
            f"managed by kubeadm-fleet ({OWNED[name]})",
            "any other field of KubeletConfiguration",
            EXAMPLE,
        )
    if name not in FIELDS:
        nearest = difflib.get_close_matches(name, FIELDS, n=1, cutoff=0.75)
        hint = f"; did you mean {nearest[0]}?" if nearest else ""
        return Violation(
            f"unknown field of KubeletConfiguration{hint}",
            "a field of KubeletConfiguration (kubelet.config.k8s.io/v1beta1)",
            f"{nearest[0]}: {FIELDS[nearest[0]].example}" if nearest else EXAMPLE,
        )
    kind = FIELDS[name]
    if kind.fits(value):
        return _check_gates(value) if name == "featureGates" else None
    return Violation(f"not {kind.label.partition(',')[0]}", kind.label, f"{name}: {kind.example}")


def _check_gates(gates: Mapping[str, bool]) -> Violation | None:
    if gates.get(RELOADED_SERVING, gates.get("AllBeta", True)):
        return None
    return Violation(
        f"without {RELOADED_SERVING} the kubelet would not notice that its serving certificate "
        "was renewed",
        f"feature gates without {RELOADED_SERVING}",
        "featureGates: {NodeSwap: true}",
    )


ENTRIES = OpenMapping(check, {"propertyNames": {"enum": sorted(FIELDS)}})
