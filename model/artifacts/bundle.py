"""Bundles: all artifacts for one Kubernetes version and architecture.

A supplement is a bundle of what only some clusters choose, for any Kubernetes version.
"""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath

from model import paths
from model.files import write_whole

MANIFEST = "manifest.json"

_SHA256 = re.compile(r"[0-9a-f]{64}")
# Names, paths and references end up in tables and shell words on machines.
_WORD = re.compile(r"[\w./:@+-]+")


class BundleError(Exception):
    """A bundle is missing or cannot be read; the message says what to do."""


@dataclass(frozen=True)
class Artifact:
    """A file: `path` within the bundle, `install` path of a binary, `image` reference.

    The path of one that is from a supplement is absolute.
    """

    name: str
    version: str
    kind: str
    path: str
    origin: str
    sha256: str
    size: int
    roles: tuple[str, ...]
    install: str | None = None
    image: str | None = None


@dataclass(frozen=True)
class Bundle:
    """A bundle on disk: `folder` holds the files and `manifest.json`.

    A supplement has no Kubernetes version ("").
    """

    folder: Path
    kubernetes_version: str
    arch: str
    source: str
    artifacts: tuple[Artifact, ...]

    @classmethod
    def load(cls, folder: Path) -> "Bundle":
        """Read the manifest of the bundle in `folder`; raise BundleError if there is none."""
        manifest = folder / MANIFEST
        try:
            document = json.loads(manifest.read_text())
            artifacts = tuple(
                _checked(Artifact(**{**entry, "roles": tuple(entry["roles"])}))
                for entry in document["artifacts"]
            )
            return cls(
                folder,
                document["kubernetesVersion"],
                document["arch"],
                document["source"],
                artifacts,
            )
        except FileNotFoundError:
            raise BundleError(f"there is no bundle at {folder}: run `make bundle`") from None
        except KeyError as error:
            problem = f"it has no {error}"
        except (ValueError, TypeError, OSError) as error:
            problem = str(error)
        raise BundleError(
            f"{manifest} cannot be read ({problem}): remove {folder} and run `make bundle`"
        )

    @classmethod
    def of(cls, version: str, arch: str = "amd64", supplements: Iterable[str] = ()) -> "Bundle":
        """Read what machines of this Kubernetes version need, with the supplements of these names.

        Raises BundleError if a part is missing.
        """
        bundle = cls.load(paths.bundle_dir(version, arch))
        for name in supplements:
            part = cls.load(paths.supplement_dir(name, arch))
            moved = (replace(each, path=str(part.file(each))) for each in part.artifacts)
            bundle = replace(bundle, artifacts=(*bundle.artifacts, *moved))
        return bundle

    def write(self) -> None:
        """Write the manifest, atomically."""
        document = {
            "kubernetesVersion": self.kubernetes_version,
            "arch": self.arch,
            "source": self.source,
            "artifacts": [_entry(artifact) for artifact in self.artifacts],
        }
        write_whole(self.folder / MANIFEST, json.dumps(document, indent=2) + "\n")

    def for_role(self, role: str) -> tuple[Artifact, ...]:
        """Return the artifacts for a machine (or person) of this role."""
        return tuple(artifact for artifact in self.artifacts if role in artifact.roles)

    def index(self, role: str) -> str:
        """Return the index for a machine of this role: one tab-separated line per artifact.

        The columns are checksum, kind, name, and a binary's path or an image's reference; read by
        scripts/node/install.sh.
        """
        rows = sorted(
            (a.sha256, a.kind, a.name, a.install or a.image or "") for a in self.for_role(role)
        )
        return "".join("\t".join(row) + "\n" for row in rows)

    def named(self, name: str) -> Artifact:
        """Return the artifact of this name; raise BundleError if the bundle has none."""
        for artifact in self.artifacts:
            if artifact.name == name:
                return artifact
        raise BundleError(f"the bundle at {self.folder} has no artifact {name!r}")

    def file(self, artifact: Artifact) -> Path:
        """Return the path of the artifact's file."""
        return self.folder / artifact.path

    @property
    def digest(self) -> str:
        """A digest of the bundle's content: equal for equal files."""
        lines = sorted(f"{a.name} {a.sha256} {a.install or a.image}" for a in self.artifacts)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _checked(artifact: Artifact) -> Artifact:
    """Reject unsafe artifacts: a manifest may come from a mirror."""
    name, install, image = artifact.name, artifact.install, artifact.image
    words = [name, artifact.version, artifact.path, *artifact.roles]
    words += [word for word in (install, image) if word is not None]
    if not all(_WORD.fullmatch(word) for word in words):
        raise ValueError(f"{name!r} has an invalid name, version, path or role")
    if not _SHA256.fullmatch(artifact.sha256):
        raise ValueError(f"{name} has no sha256 checksum of 64 hex digits")
    if not _inside(artifact.path):
        raise ValueError(f"the file of {name} is outside of the bundle")
    if artifact.kind == "binary":
        if install is None or not install.startswith("/") or not _inside(install[1:]):
            raise ValueError(f"the binary {name} has no absolute path to be installed at")
    elif artifact.kind != "image" or image is None:
        raise ValueError(f"{name} is neither a binary nor an image with a reference")
    return artifact


def _inside(path: str) -> bool:
    """Return whether a relative path stays within its base folder."""
    return not PurePosixPath(path).is_absolute() and ".." not in PurePosixPath(path).parts


def _entry(artifact: Artifact) -> dict[str, object]:
    return {key: value for key, value in asdict(artifact).items() if value is not None}
