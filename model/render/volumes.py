"""The volumes of the control plane's components, beside those of kubeadm."""

from typing import Any

from model.fleet import Cluster, Component, Volume
from model.render import component_files, security_flags
from model.render.kubeadm_flags import SCHEDULER_FOLDER
from model.render.node_paths import API_SERVER_FOLDER, AUDIT_FOLDER

API_SERVER, CONTROLLER_MANAGER, SCHEDULER = "apiServer", "controllerManager", "scheduler"

# A pod starts also if the folder is missing, as that of a plugin in /run is after a reboot.
MADE = "DirectoryOrCreate"


def of_component(cluster: Cluster, key: str) -> list[dict[str, Any]]:
    """Return the volumes of the component with this key in the config, the config's own last."""
    component = component_files.components(cluster)[key]
    return [_volume(volume) for volume in (*_own(cluster, key, component), *component.volumes)]


def _own(cluster: Cluster, key: str, component: Component) -> list[Volume]:
    if key == API_SERVER:
        plugin = security_flags.plugin_folder(cluster.security)
        return [
            _directory("configuration", API_SERVER_FOLDER),
            Volume("audit", AUDIT_FOLDER, AUDIT_FOLDER, False, MADE),
            *([Volume("encryption-plugin", plugin, plugin, True, MADE)] if plugin else []),
        ]
    client = [_directory("client", SCHEDULER_FOLDER)] if key == SCHEDULER else []
    files = [_directory("files", component_files.FOLDERS[key])] if component.files else []
    return [*client, *files]


def _directory(name: str, path: str) -> Volume:
    return Volume(name, path, path, True, "Directory")


def _volume(volume: Volume) -> dict[str, Any]:
    return {
        "name": volume.name,
        "hostPath": volume.host_path,
        "mountPath": volume.mount_path,
        "readOnly": volume.read_only,
        "pathType": volume.type,
    }
