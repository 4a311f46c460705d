"""The folder of a bundle or a supplement: made once, and complete or absent.

Each source has a temporary folder of its own: a retry resumes from the files of an interrupted run,
but never from those of another source.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from model.artifacts.bundle import MANIFEST, Artifact, Bundle
from model.files import remove
from scripts.build import buildcache, from_source
from scripts.build.cache_entry import BuildError, locked, require_space
from scripts.build.download import sha256
from scripts.build.progress import say

ACTIVITY = {
    "upstream": "downloading upstream's releases",
    "mirror": "downloading from the mirror",
    "built": "building from the Go module registry ({duration}, once)",
}


@dataclass(frozen=True)
class Content:
    """What a folder is made of: `title` names it, `command` makes it.

    `space` is the peak disk usage by source, "upstream" or "built"; `duration` that of a build.
    `build` and `download` fill the folder and return its artifacts; `is_reachable` says within
    seconds whether upstream can be.
    """

    title: str
    command: str
    version: str
    arch: str
    space: dict[str, int]
    duration: str
    build: Callable[[Path], tuple[Artifact, ...]]
    download: Callable[[Path], tuple[Artifact, ...]]
    is_reachable: Callable[[], bool]


def provide(folder: Path, content: Content, source: str, mirror: str | None) -> Bundle:
    """Return the bundle in the folder, making it if there is none."""
    bundle = _existing(folder, content, source)
    if bundle is None:
        with locked(folder):
            # Another process may have built it in the meantime.
            bundle = _existing(folder, content, source) or _make(folder, content, source, mirror)
    return bundle


def _existing(folder: Path, content: Content, source: str) -> Bundle | None:
    """Return the bundle if it exists and its files have the right sizes."""
    if not (folder / MANIFEST).exists():
        return None
    bundle = Bundle.load(folder)
    damaged = [
        artifact.path
        for artifact in bundle.artifacts
        if not (file := bundle.file(artifact)).is_file() or file.stat().st_size != artifact.size
    ]
    if damaged:
        raise BuildError(
            f"{folder}: missing, or of another size than in the manifest: {', '.join(damaged)}. "
            f"Remove the folder and run `{content.command}`"
        )
    if source != "auto" and (source == "built") != (bundle.source == "built"):
        raise BuildError(
            f"the bundle at {folder} already exists with source {bundle.source!r}: "
            f"remove the folder to rebuild it with --source {source}"
        )
    return bundle


def _make(folder: Path, content: Content, source: str, mirror: str | None) -> Bundle:
    """Build the bundle in a temporary folder and move it into place once it is complete."""
    if source == "auto":
        source = "upstream" if mirror or content.is_reachable() else "built"
    origin = "mirror" if mirror else source
    work = folder.parent / f".{folder.name}.{origin}"
    say(f"{content.title} for {content.arch}: {ACTIVITY[origin].format(duration=content.duration)}")
    require_space(work, content.space[source], f"the {content.title}")
    if source == "built":
        from_source.require_host(content.arch)
        with buildcache.building():
            artifacts = content.build(work)
    else:
        artifacts = content.download(work)
    remove(work / "work")
    Bundle(work, content.version, content.arch, origin, artifacts).write()
    remove(folder)
    work.rename(folder)
    for other in ACTIVITY:
        remove(folder.parent / f".{folder.name}.{other}")
    return Bundle.load(folder)


def verify(bundle: Bundle, command: str = "fleet build bundle") -> None:
    """Verify the checksum of every file; raise BuildError naming all that differ."""
    corrupt = [
        artifact.path
        for artifact in bundle.artifacts
        if sha256(bundle.file(artifact)) != artifact.sha256
    ]
    if corrupt:
        raise BuildError(
            f"{bundle.folder}: checksum mismatch: {', '.join(corrupt)}. "
            f"Remove the folder and run `{command}`"
        )
