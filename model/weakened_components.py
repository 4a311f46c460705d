"""Flags and fields of Kubernetes' components, set by a config, that are weaker than the defaults.

One row is one flag of `extraArgs`, or one field of `kubelet`.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from model.security import CIPHER_SUITES, TLS12, TLS13

API_SERVER, CONTROLLER_MANAGER = "apiServer", "controllerManager"
SCHEDULER, ETCD, KUBELET = "scheduler", "etcd", "kubelet"
LOOPBACK = ("127.0.0.1", "::1", "localhost")
# Admission plugins that every API server needs, of those that are enabled by default.
NEEDED_PLUGINS = ("PodSecurity", "ServiceAccount", "NamespaceLifecycle", "NodeRestriction")
_TRUE = ("1", "t", "true")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0}
_PROFILES = "who may read them learns what it serves, and can slow it down"
_OLD_TLS = "connections with versions of TLS that are out of date are accepted"
_SUITES = "connections with weak cipher suites are accepted"
_PORT = "its health and metrics can be read from the network"


class Component(Protocol):
    """A component of the control plane, of a config or of a cluster."""

    @property
    def extra_args(self) -> Mapping[str, Any]:
        """Its flags."""


class Components(Protocol):
    """The components of a config, or of a cluster."""

    @property
    def kubelet(self) -> Mapping[str, Any]:
        """The fields of all kubelets."""

    @property
    def api_server(self) -> Component:
        """The API servers."""

    @property
    def controller_manager(self) -> Component:
        """The controller managers."""

    @property
    def scheduler(self) -> Component:
        """The schedulers."""

    @property
    def etcd(self) -> Component:
        """The members of etcd."""


@dataclass(frozen=True)
class WeakRow:
    """A flag or a field; `is_weak` judges a value of the config."""

    component: str
    name: str
    is_weak: Callable[[Any], bool]
    meaning: str


def _is_true(value: Any) -> bool:
    return str(value).lower() in _TRUE


def _is_false(value: Any) -> bool:
    return not _is_true(value)


def _old_tls(value: Any) -> bool:
    return value not in (TLS12, TLS13, "TLS1.2", "TLS1.3")


def _weak_suites(value: Any) -> bool:
    names = value if isinstance(value, list) else str(value).split(",")
    return any(name not in CIPHER_SUITES and not name.startswith("TLS_AES_")
               and name != "TLS_CHACHA20_POLY1305_SHA256" for name in names)  # fmt: skip


def _is_remote(urls: Any) -> bool:
    return any(urlsplit(url).hostname not in LOOPBACK for url in str(urls).split(","))


def _listed(*names: str) -> Callable[[Any], bool]:
    return lambda value: any(name in str(value).split(",") for name in names)


def _is_more_than(most: float) -> Callable[[Any], bool]:
    """Return whether a number is above `most`, or says that there is no limit."""

    def judge(value: Any) -> bool:
        try:
            return not 0 < float(value) <= most
        except (TypeError, ValueError):
            return True

    return judge


def _is_longer_than_an_hour(value: Any) -> bool:
    """Whether a duration of Go is longer, or zero, which is without an end."""
    parts = re.findall(r"([0-9.]+)(h|ms|us|µs|ns|m|s)", str(value))
    try:
        seconds = sum(float(number) * _SECONDS.get(unit, 0.0) for number, unit in parts)
    except ValueError:
        return True
    return not 0 < seconds <= _SECONDS["h"]


_SERVERS = (API_SERVER, CONTROLLER_MANAGER, SCHEDULER)
ROWS = (
    *(WeakRow(each, "profiling", _is_true, _PROFILES) for each in _SERVERS),
    *(WeakRow(each, "tls-min-version", _old_tls, _OLD_TLS) for each in (*_SERVERS, ETCD)),
    *(WeakRow(each, "tls-cipher-suites", _weak_suites, _SUITES) for each in _SERVERS),
    WeakRow(ETCD, "cipher-suites", _weak_suites, _SUITES),
    WeakRow(ETCD, "enable-pprof", _is_true, _PROFILES),
    WeakRow(ETCD, "listen-metrics-urls", _is_remote, _PORT),
    *(
        WeakRow(each, "bind-address", lambda value: value not in LOOPBACK, _PORT)
        for each in (CONTROLLER_MANAGER, SCHEDULER)
    ),
    WeakRow(
        API_SERVER,
        "service-account-extend-token-expiration",
        _is_true,
        "a token of a pod is accepted for a year, even after it has been copied",
    ),
    WeakRow(
        API_SERVER,
        "service-account-lookup",
        _is_false,
        "tokens of deleted service accounts are accepted",
    ),
    WeakRow(API_SERVER, "token-auth-file", bool, "tokens are accepted until a restart"),
    WeakRow(
        API_SERVER,
        "disable-admission-plugins",
        _listed(*NEEDED_PLUGINS),
        "what these plugins refuse or restrict is accepted",
    ),
    WeakRow(
        API_SERVER, "enable-admission-plugins", _listed("AlwaysAdmit"), "any request is admitted"
    ),
    WeakRow(
        CONTROLLER_MANAGER,
        "terminated-pod-gc-threshold",
        _is_more_than(12500),
        "more pods that ended are kept than by Kubernetes' default, and fill etcd",
    ),
    WeakRow(KUBELET, "readOnlyPort", bool, "anybody may read its pods and their environment"),
    WeakRow(KUBELET, "seccompDefault", _is_false, "containers may use all calls of the kernel"),
    WeakRow(
        KUBELET,
        "podPidsLimit",
        _is_more_than(16384),
        "a single pod may use up the processes of its machine",
    ),
    WeakRow(
        KUBELET,
        "protectKernelDefaults",
        _is_false,
        "it starts with any settings of the kernel, and changes them",
    ),
    WeakRow(
        KUBELET,
        "makeIPTablesUtilChains",
        _is_false,
        "it does not keep its own chains of the packet filter",
    ),
    WeakRow(
        KUBELET,
        "streamingConnectionIdleTimeout",
        _is_longer_than_an_hour,
        "idle connections stay open for longer than an hour",
    ),
    WeakRow(KUBELET, "eventRecordQPS", lambda value: value <= 0, "a pod may flood the API"),
    *(
        WeakRow(KUBELET, name, _is_true, _PROFILES)
        for name in ("enableProfilingHandler", "enableDebugFlagsHandler")
    ),
    WeakRow(KUBELET, "allowedUnsafeSysctls", bool, "pods may change these settings of the kernel"),
    WeakRow(KUBELET, "tlsMinVersion", _old_tls, _OLD_TLS),
    WeakRow(KUBELET, "tlsCipherSuites", _weak_suites, _SUITES),
)


def weakened(
    components: Components, kubelets: Iterable[Mapping[str, Any]]
) -> Iterator[tuple[WeakRow, str]]:
    """Yield the rows that a config weakens, and the value as a text.

    `kubelets` are the fields of single machines or pools.
    """
    settings = {
        API_SERVER: [components.api_server.extra_args],
        CONTROLLER_MANAGER: [components.controller_manager.extra_args],
        SCHEDULER: [components.scheduler.extra_args],
        ETCD: [components.etcd.extra_args],
        KUBELET: [components.kubelet, *kubelets],
    }
    for row in ROWS:
        values = (its[row.name] for its in settings[row.component] if row.name in its)
        found = (_text(value) for value in values if row.is_weak(value))
        if text := ", ".join(dict.fromkeys(found)):
            yield row, text


def setting_of(row: WeakRow) -> str:
    """Return the path of a row's setting in a config."""
    middle = "" if row.component == KUBELET else ".extraArgs"
    return f"{row.component}{middle}.{row.name}"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
