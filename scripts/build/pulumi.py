"""The sources of the tool chain's programs: official releases, or the Go module registry."""

import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from model import pins
from model.files import replacing
from scripts.build import arch, programs, recipes
from scripts.build.archive import extract_programs
from scripts.build.download import fetch, published_sum
from scripts.build.gomodule import GoProgram, build, download
from scripts.build.progress import task

SDK = "github.com/pulumi/pulumi/sdk/v3"
# The engine, its language host for Python, and the script that the host starts.
SCRIPTS = {"pulumi-language-python-exec": "python/cmd"}
PULUMI_PROGRAMS = ("pulumi", "pulumi-language-python", *SCRIPTS)
# This project's server of dynamic providers, under the name that the engine expects.
LAUNCHER = "pulumi-resource-pulumi-python"
LAUNCHER_SOURCE = Path(__file__).with_name("provider_launcher.py")
VERSIONS: Mapping[str, str] = {
    **dict.fromkeys(PULUMI_PROGRAMS, f"v{pins.PULUMI}"),
    "actionlint": pins.ACTIONLINT,
}


@dataclass(frozen=True)
class ReleaseArchive:
    """A release archive: `members` maps each program to its path in it."""

    url: str
    sums: str
    members: Mapping[str, str]


def releases() -> tuple[ReleaseArchive, ...]:
    """Return the official releases for this host."""
    number, lint = pins.PULUMI, pins.ACTIONLINT.removeprefix("v")
    machine = {"amd64": "x64"}.get(arch.host(), arch.host())
    pulumi = "https://github.com/pulumi/pulumi/releases/download"
    actionlint = f"https://github.com/rhysd/actionlint/releases/download/v{lint}/actionlint_{lint}"
    return (
        ReleaseArchive(
            f"https://get.pulumi.com/releases/sdk/pulumi-v{number}-linux-{machine}.tar.gz",
            f"{pulumi}/v{number}/pulumi-{number}-checksums.txt",
            {name: f"pulumi/{name}" for name in PULUMI_PROGRAMS},
        ),
        ReleaseArchive(
            f"{actionlint}_linux_{arch.host()}.tar.gz",
            f"{actionlint}_checksums.txt",
            {"actionlint": "actionlint"},
        ),
    )


def fetch_programs(release: ReleaseArchive, folder: Path, work: Path) -> dict[str, str]:
    """Download a release's programs into `folder`; return each one's origin."""
    file = release.url.rsplit("/", 1)[-1]
    archive = work / file
    with task(f"downloading {release.url}"):
        if not archive.exists():
            fetch(release.url, archive, published_sum(release.sums, file))
        extract_programs(archive, release.members, folder)
    return dict.fromkeys(release.members, release.url)


def build_programs(wanted: Collection[str], folder: Path, work: Path) -> dict[str, str]:
    """Build the wanted programs into `folder`; return each one's origin."""
    origins = {}
    for program in (recipes.pulumi(), recipes.language_host(), recipes.actionlint()):
        (name,) = program.names
        if name in wanted:
            _build(name, program, folder, work)
            origins[name] = program.origin
    scripts = [name for name in SCRIPTS if name in wanted]
    if scripts:
        source = download(SDK, f"v{pins.PULUMI}")
        for name in scripts:
            _copy_program(source / SCRIPTS[name] / name, folder)
            origins[name] = f"{SDK}@v{pins.PULUMI}"
    return origins


def has_launcher(folder: Path) -> bool:
    """Whether the launcher in `folder` is identical to this checkout's."""
    file = folder / LAUNCHER
    return (
        LAUNCHER in programs.read(folder)
        and file.is_file()
        and file.read_bytes() == LAUNCHER_SOURCE.read_bytes()
    )


def install_launcher(folder: Path) -> None:
    """Install the launcher in `folder`; its version is the engine's."""
    with replacing(folder / LAUNCHER) as part:
        shutil.copyfile(LAUNCHER_SOURCE, part)
        part.chmod(0o755)
    described = programs.describe(folder / LAUNCHER, f"v{pins.PULUMI}", "kubeadm-fleet")
    programs.write(folder, {**programs.read(folder), LAUNCHER: described})


def _build(name: str, program: GoProgram, folder: Path, work: Path) -> None:
    built = work / f"{name}-{program.version}"
    if not built.exists():
        with replacing(built) as part:
            build(program, part)
    _copy_program(built / name, folder)


def _copy_program(source: Path, folder: Path) -> None:
    with replacing(folder / source.name) as part:
        shutil.copyfile(source, part)
        part.chmod(0o755)
