"""Files and volumes of a control plane component."""

import posixpath
import re
from typing import Annotated, Any

from pydantic import Field

from model.config.addresses import DNS_LABEL
from model.config.field import Flag, ScalarField, one_of
from model.config.open_mapping import OpenMapping, Violation
from model.config.strict import Atomic, Strict

NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"
LONGEST = 256 * 1024
# https://kubernetes.io/docs/concepts/storage/volumes/#hostpath-volume-types
PATH_TYPES = ("Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket")


def _file(name: str, text: Any) -> Violation | None:
    if not re.fullmatch(NAME, name) or name.endswith(".new"):
        return Violation(
            "not the name of a file",
            "letters, digits, dots, dashes and underscores, not ending in .new; folders are not "
            "possible",
            "tracing.yaml: |",
        )
    if not isinstance(text, str):
        return Violation("not a text", "the text of the file", f"{name}: |")
    if not all(character.isprintable() or character in "\n\t" for character in text):
        return Violation("characters that no text has", "the text of the file", f"{name}: |")
    if len(text) > LONGEST:
        return Violation(f"longer than {LONGEST} characters", "a shorter text", f"{name}: |")
    return None


def _path(path: str) -> str:
    if path != posixpath.normpath(path) or path == "/" or path.startswith("//"):
        raise ValueError("not an absolute path without '.', '..' and a slash at its end")
    return path


FILES = OpenMapping(
    _file,
    {"propertyNames": {"pattern": f"^{NAME}$"}, "additionalProperties": {"type": "string"}},
)
VolumeName = Annotated[
    str,
    ScalarField(
        "a name of a volume",
        "at most 63 lower-case letters, digits and dashes",
        "tracing",
        pattern=DNS_LABEL,
    ),
]
AbsolutePath = Annotated[
    str,
    ScalarField(
        "an absolute path",
        "an absolute path without blanks, '.', '..' and a slash at its end",
        "/etc/tracing",
        pattern=r"/[A-Za-z0-9._/+@-]*",
        check=_path,
    ),
]
PathType = Annotated[str, one_of("type of a path", PATH_TYPES, "Directory")]


class ExtraVolume(Atomic):
    """A file or directory of control planes in the component's pod, as kubeadm has it."""

    name: VolumeName = Field(description="Its name in the pod.")
    host_path: AbsolutePath = Field(description="Its path on control planes.")
    mount_path: AbsolutePath = Field(description="Its path in the container.")
    read_only: Flag = Field(True, description="Whether the component cannot write to it.")
    path_type: PathType = Field(
        "Directory",
        description="What must be there before the component starts, or is created for it. "
        "A component never sees that a file was replaced: mount its directory.",
    )


class ComponentFiles(Strict):
    """What a component can be given beside flags."""

    files: Annotated[dict[str, Any], FILES] = Field(
        default_factory=dict,
        description="Texts of files by name, on control planes and in its pod at the same path: "
        "/var/lib/kubeadm-fleet/COMPONENT/files, where COMPONENT is api-server, controller-manager "
        "or scheduler. Not for secrets.",
        examples=[{"tracing.yaml": "samplingRatePerMillion: 100"}],
    )
    extra_volumes: list[ExtraVolume] | None = Field(
        None,
        description="Directories and files of control planes that its pod mounts; a cluster's "
        "replace the fleet's, [] is none.",
    )
