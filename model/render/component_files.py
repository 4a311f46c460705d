"""Files of the control plane's components that these read only when they start.

Each component has a folder of its own, which its pod mounts as it is: in a file that is mounted by
itself, a replacement on the host is never seen.
"""

from collections.abc import Iterator, Mapping

from model.fleet import Cluster, Component
from model.render import admission, audit
from model.render.node_paths import API_SERVER_FOLDER, STATE

FOLDERS = {
    "apiServer": API_SERVER_FOLDER,
    "controllerManager": f"{STATE}/controller-manager",
    "scheduler": f"{STATE}/scheduler",
}
# The config's own files are below each of these folders.
FILES = "files"
AUDIT_POLICY = f"{API_SERVER_FOLDER}/audit-policy.yaml"
ADMISSION = f"{API_SERVER_FOLDER}/admission.yaml"


def component_files(cluster: Cluster) -> Iterator[tuple[str, str]]:
    """Yield the path and the content of each file of a control plane."""
    yield AUDIT_POLICY, audit.policy(cluster.security.audit)
    yield ADMISSION, admission.configuration(cluster)
    for key, component in components(cluster).items():
        for name, text in sorted(component.files.items()):
            yield f"{FOLDERS[key]}/{FILES}/{name}", f"{text.rstrip()}\n"


def components(cluster: Cluster) -> Mapping[str, Component]:
    """Return the components that may have files, by their keys in the config."""
    return {
        "apiServer": cluster.api_server,
        "controllerManager": cluster.controller_manager,
        "scheduler": cluster.scheduler,
    }
