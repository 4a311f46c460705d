"""What has components restarted that read CAs or keys only once, when they start.

A variable in their environment, which nothing reads: it changes with the phases of a rotation, and
what restarts a component for other settings, one control plane after another, does so for it. It
depends on the phases alone, which a preview knows. A finished rotation leaves none.
"""

from collections.abc import Iterator, Mapping

from model import versions
from model.rotation_phases import CA, ETCD_CA, SERVICE_ACCOUNT, SWITCH, Rotations, is_under_way

VARIABLE = "KUBEADM_FLEET_ROTATION"
API_SERVER, CONTROLLER_MANAGER, SCHEDULER, ETCD = (
    "apiServer",
    "controllerManager",
    "scheduler",
    "etcd",
)
# From this minor version on, components read the CAs of their kubeconfigs and of kubelets again.
READS_AGAIN = 36


def markers(rotations: Rotations, kubernetes_version: str) -> Mapping[str, str]:
    """Return the variable's value for each component that has one."""
    found: dict[str, list[str]] = {}
    for component, text in _markers(rotations, versions.parse(kubernetes_version).minor):
        found.setdefault(component, []).append(text)
    return {component: " ".join(texts) for component, texts in found.items()}


def _markers(rotations: Rotations, minor: int) -> Iterator[tuple[str, str]]:
    if is_under_way(rotations.ca):
        # It publishes the CA that pods trust as it was at its start.
        yield CONTROLLER_MANAGER, CA
        # An immediate rotation does not wait until they have read them again.
        is_immediate = rotations.immediate == CA and rotations.ca == SWITCH
        if minor < READS_AGAIN or is_immediate:
            for component in (API_SERVER, CONTROLLER_MANAGER, SCHEDULER):
                yield component, f"{CA}:{rotations.ca}"
    if is_under_way(rotations.etcd_ca):
        yield ETCD, ETCD_CA
        yield API_SERVER, ETCD_CA
    if is_under_way(rotations.service_account):
        yield API_SERVER, f"{SERVICE_ACCOUNT}:{rotations.service_account}"
    if rotations.service_account == SWITCH:
        yield CONTROLLER_MANAGER, SERVICE_ACCOUNT
