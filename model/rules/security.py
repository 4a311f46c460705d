"""Rules for the security settings, and for what the config adds to the control plane's pods."""

from collections.abc import Iterator
from pathlib import PurePosixPath

from model.config.component_files import ExtraVolume
from model.config.errors import Path
from model.config.resolved_cluster import ResolvedCluster
from model.rules.issue import Issue, issue
from model.security import KMS, NONE, SECRETBOX

# Volumes of kubeadm's and ours by name, and where they and others of ours are mounted.
# https://github.com/kubernetes/kubernetes/blob/v1.36.3/cmd/kubeadm/app/phases/controlplane/volumes.go
VOLUMES = (
    *("ca-certs", "etc-ca-certificates", "etc-pki", "etc-pki-ca-trust", "etc-pki-tls-certs"),
    *("flexvolume-dir", "k8s-certs", "kubeconfig", "usr-local-share-ca-certificates"),
    *("usr-share-ca-certificates", "audit", "client", "configuration", "encryption-plugin"),
    "files",
)
MOUNTS = (
    *("/etc/kubernetes", "/etc/ssl/certs", "/etc/ca-certificates", "/etc/pki"),
    *("/usr/share/ca-certificates", "/usr/local/share/ca-certificates"),
    *("/usr/libexec/kubernetes", "/var/lib/kubeadm-fleet", "/var/log/kubernetes"),
    *("/dev", "/proc", "/sys"),
)
COMPONENTS = ("apiServer", "controllerManager", "scheduler")
SECTION = ("security", "secretsEncryption")


def check_cluster(cluster: ResolvedCluster) -> Iterator[Issue]:
    """Yield the issues of one cluster."""
    yield from _plugin(cluster)
    for key in COMPONENTS:
        yield from _volumes(cluster, key)


def _plugin(cluster: ResolvedCluster) -> Iterator[Issue]:
    encryption = cluster.settings.security.secrets_encryption
    plugin = encryption.kms
    if plugin is None:
        if encryption.provider == KMS:
            yield issue(
                cluster.path_of(*SECTION, "kms"),
                None,
                "the provider kms needs a plugin",
                allowed=f"a plugin, or the provider {SECRETBOX} or {NONE}",
                example="kms: {name: vault, endpoint: unix:///var/run/kms/kms.sock}",
                sources=cluster.paths_of(*SECTION, "provider"),
            )
        return
    folder = str(PurePosixPath(plugin.endpoint.removeprefix("unix://")).parent)
    if folder == "/" or ".." in folder.split("/") or _overlapping(folder, MOUNTS):
        yield issue(
            cluster.path_of(*SECTION, "kms", "endpoint"),
            plugin.endpoint,
            "its directory cannot be mounted into the API server's pod",
            allowed="a socket in a directory of its own, outside of those of Kubernetes and of "
            "kubeadm-fleet",
            example="endpoint: unix:///var/run/kms/kms.sock",
        )


def _volumes(cluster: ResolvedCluster, key: str) -> Iterator[Issue]:
    component = {
        "apiServer": cluster.settings.api_server,
        "controllerManager": cluster.settings.controller_manager,
        "scheduler": cluster.settings.scheduler,
    }[key]
    plugin = cluster.settings.security.secrets_encryption.kms
    folders = [str(PurePosixPath(plugin.endpoint.removeprefix("unix://")).parent)] if plugin else []
    names, mounts = [*VOLUMES], [*MOUNTS, *(folders if key == "apiServer" else [])]
    for index, volume in enumerate(component.extra_volumes or ()):
        path = cluster.path_of(key, "extraVolumes", index)
        yield from _volume(volume, path, names, mounts)
        names.append(volume.name)
        mounts.append(volume.mount_path)


def _volume(
    volume: ExtraVolume, path: Path, names: list[str], mounts: list[str]
) -> Iterator[Issue]:
    if volume.name in names:
        yield issue(
            (*path, "name"),
            volume.name,
            "another volume of the pod has this name",
            allowed="a name of its own",
            example="name: tracing",
        )
    if other := _overlapping(volume.mount_path, mounts):
        yield issue(
            (*path, "mountPath"),
            volume.mount_path,
            f"it would hide {other}, or be hidden by it",
            allowed="a path that no other volume of the pod has, nor one above or below it",
            example="mountPath: /etc/tracing",
        )


def _overlapping(path: str, others: tuple[str, ...] | list[str]) -> str:
    """Return the first of these paths that is the same, above or below; "" if there is none."""
    one = PurePosixPath(path)
    for other in others:
        if one.is_relative_to(other) or PurePosixPath(other).is_relative_to(one):
            return other
    return ""
