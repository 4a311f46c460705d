"""Which level of the Pod Security Standards is enforced in each namespace.

https://kubernetes.io/docs/tasks/configure-pod-container/enforce-standards-admission-controller/
"""

from collections.abc import Mapping
from typing import Any

import yaml

from model.cis.api_server import NAME
from model.cis.cluster_facts import ClusterFacts
from model.cis.machine_facts import MachineFacts, NotKnown

FLAG = "admission-control-config-file"
LABEL = "pod-security.kubernetes.io/enforce"
PRIVILEGED, BASELINE, RESTRICTED = "privileged", "baseline", "restricted"
LEVELS = (PRIVILEGED, BASELINE, RESTRICTED)


def enforced(facts: ClusterFacts) -> Mapping[str, str]:
    """Return the level of each namespace that is not Kubernetes' own; raises NotKnown.

    The weakest control plane counts, since each one admits pods.
    """
    if not facts.control_planes:
        raise NotKnown("no control plane could be read")
    defaults = [_of_machine(machine) for machine in facts.control_planes]
    labels = {
        str(each["metadata"]["name"]): (each["metadata"].get("labels") or {}).get(LABEL)
        for each in facts.namespaces
    }

    def level(namespace: str) -> str:
        if any(namespace in exempt for _, exempt in defaults):
            return PRIVILEGED
        given = [labels[namespace] or default for default, _ in defaults]
        return min((each if each in LEVELS else RESTRICTED for each in given), key=LEVELS.index)

    return {name: level(name) for name in facts.user_namespaces}


def _of_machine(machine: MachineFacts) -> tuple[str, tuple[str, ...]]:
    """Return the level by default and the exempt namespaces, of an AdmissionConfiguration."""
    machine.component(NAME)
    document = machine.document(NAME, FLAG) or {}
    for plugin in document.get("plugins") or ():
        if plugin.get("name") == "PodSecurity":
            section: Any = plugin.get("configuration") or {}
            if isinstance(section, str):
                section = yaml.safe_load(section)
            exempt = (section.get("exemptions") or {}).get("namespaces") or ()
            level = (section.get("defaults") or {}).get("enforce", PRIVILEGED)
            return str(level), tuple(map(str, exempt))
    return PRIVILEGED, ()
