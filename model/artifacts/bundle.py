"""A bundle: everything that machines need for one Kubernetes version and architecture."""

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from model.files import write_whole

MANIFEST = "manifest.json"

_SHA256 = re.compile(r"[0-9a-f]{64}")
# Names, paths and references go through tables and shell words on machines.
_WORD = re.compile(r"[\w./:@+-]+")


class BundleError(Exception):
    """A bundle is missing or cannot be read; the message says what to do."""


@dataclass(frozen=True)
class Artifact:
    """One file: `path` below the bundle, `install` where a binary goes, `image` its reference."""

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
    """A bundle on disk: `folder` holds the files and `manifest.json`."""

    folder: Path
    kubernetes_version: str
    arch: str
    source: str
    artifacts: tuple[Artifact, ...]

    @classmethod
    def load(cls, folder: Path) -> "Bundle":
        """Read the manifest of the bundle in `folder`; raise BundleError when there is none."""
        manifest = folder / MANIFEST
        try:
            document = json.loads(manifest.read_text())
            artifacts = tuple(
                _checked(Artifact(**{**each, "roles": tuple(each["roles"])}))
                for each in document["artifacts"]
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

    def write(self) -> None:
        """Write the manifest, atomically."""
        document = {
            "kubernetesVersion": self.kubernetes_version,
            "arch": self.arch,
            "source": self.source,
            "artifacts": [_entry(each) for each in self.artifacts],
        }
        write_whole(self.folder / MANIFEST, json.dumps(document, indent=2) + "\n")

    def for_role(self, role: str) -> tuple[Artifact, ...]:
        """Return what a machine (or person) of this role needs."""
        return tuple(each for each in self.artifacts if role in each.roles)

    def index(self, role: str) -> str:
        """Return what a machine of this role is told of each artifact, a line each, by tabs.

        Sum, kind, name, and where a binary goes or an image's reference: scripts/node/install.sh
        reads it.
        """
        rows = sorted(
            (a.sha256, a.kind, a.name, a.install or a.image or "") for a in self.for_role(role)
        )
        return "".join("\t".join(row) + "\n" for row in rows)

    def named(self, name: str) -> Artifact:
        """Return the artifact of this name; raise BundleError when the bundle has none."""
        for each in self.artifacts:
            if each.name == name:
                return each
        raise BundleError(f"the bundle at {self.folder} holds no {name!r}")

    def file(self, artifact: Artifact) -> Path:
        """Return where the artifact's file lies."""
        return self.folder / artifact.path

    @property
    def digest(self) -> str:
        """What identifies the bundle's content: the same files give the same digest."""
        lines = sorted(f"{a.name} {a.sha256} {a.install or a.image}" for a in self.artifacts)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _checked(artifact: Artifact) -> Artifact:
    """Refuse what no machine may be told to install: a manifest may come from a mirror."""
    name, install, image = artifact.name, artifact.install, artifact.image
    words = [name, artifact.version, artifact.path, *artifact.roles]
    words += [each for each in (install, image) if each is not None]
    if not all(_WORD.fullmatch(each) for each in words):
        raise ValueError(f"{name!r} has a name, path or role that is not plain")
    if not _SHA256.fullmatch(artifact.sha256):
        raise ValueError(f"{name} has no sha256 sum of 64 hex digits")
    if not _inside(artifact.path):
        raise ValueError(f"the file of {name} is outside of the bundle")
    if artifact.kind == "binary":
        if install is None or not install.startswith("/") or not _inside(install[1:]):
            raise ValueError(f"the binary {name} has no absolute path to be installed at")
    elif artifact.kind != "image" or image is None:
        raise ValueError(f"{name} is neither a binary nor an image with a reference")
    return artifact


def _inside(path: str) -> bool:
    """Tell whether a path stays below the folder that it is relative to."""
    return not PurePosixPath(path).is_absolute() and ".." not in PurePosixPath(path).parts


def _entry(artifact: Artifact) -> dict[str, object]:
    return {key: value for key, value in asdict(artifact).items() if value is not None}
