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
# The engine, its host for Python programs, and the script that this starts beside itself.
SCRIPTS = {"pulumi-language-python-exec": "python/cmd"}
PULUMI_PROGRAMS = ("pulumi", "pulumi-language-python", *SCRIPTS)
# What serves dynamic providers, under the name that the engine looks for: this project's own.
LAUNCHER = "pulumi-resource-pulumi-python"
LAUNCHER_SOURCE = Path(__file__).with_name("provider_launcher.py")
VERSIONS: Mapping[str, str] = {
    **dict.fromkeys(PULUMI_PROGRAMS, f"v{pins.PULUMI}"),
    "actionlint": pins.ACTIONLINT,
}


@dataclass(frozen=True)
class Release:
    """An archive of a release: `members` maps each program to its path inside."""

    url: str
    sums: str
    members: Mapping[str, str]


def releases() -> tuple[Release, ...]:
    """Return the official releases for this host."""
    number, lint = pins.PULUMI, pins.ACTIONLINT.removeprefix("v")
    machine = {"amd64": "x64"}.get(arch.host(), arch.host())
    pulumi = "https://github.com/pulumi/pulumi/releases/download"
    actionlint = f"https://github.com/rhysd/actionlint/releases/download/v{lint}/actionlint_{lint}"
    return (
        Release(
            f"https://get.pulumi.com/releases/sdk/pulumi-v{number}-linux-{machine}.tar.gz",
            f"{pulumi}/v{number}/pulumi-{number}-checksums.txt",
            {name: f"pulumi/{name}" for name in PULUMI_PROGRAMS},
        ),
        Release(
            f"{actionlint}_linux_{arch.host()}.tar.gz",
            f"{actionlint}_checksums.txt",
            {"actionlint": "actionlint"},
        ),
    )


def fetch_programs(release: Release, folder: Path, work: Path) -> dict[str, str]:
    """Fetch a release's programs into `folder`; return where each came from."""
    file = release.url.rsplit("/", 1)[-1]
    archive = work / file
    with task(f"fetching {release.url}"):
        if not archive.exists():
            fetch(release.url, archive, published_sum(release.sums, file))
        extract_programs(archive, release.members, folder)
    return dict.fromkeys(release.members, release.url)


def build_programs(wanted: Collection[str], folder: Path, work: Path) -> dict[str, str]:
    """Build the wanted programs into `folder`; return where each came from."""
    origins = {}
    for program in (recipes.pulumi(), recipes.language_host(), recipes.actionlint()):
        (name,) = program.names
        if name in wanted:
            _build(name, program, folder, work)
            origins[name] = program.origin
    scripts = [each for each in SCRIPTS if each in wanted]
    if scripts:
        source = download(SDK, f"v{pins.PULUMI}")
        for name in scripts:
            _copy_program(source / SCRIPTS[name] / name, folder)
            origins[name] = f"{SDK}@v{pins.PULUMI}"
    return origins


def has_launcher(folder: Path) -> bool:
    """Whether the launcher in `folder` is this checkout's, to the byte."""
    file = folder / LAUNCHER
    return (
        LAUNCHER in programs.read(folder)
        and file.is_file()
        and file.read_bytes() == LAUNCHER_SOURCE.read_bytes()
    )


def place_launcher(folder: Path) -> None:
    """Put the launcher into `folder`; its version is that of the engine which starts it."""
    with replacing(folder / LAUNCHER) as part:
        shutil.copyfile(LAUNCHER_SOURCE, part)
        part.chmod(0o755)
    described = programs.describe(folder / LAUNCHER, f"v{pins.PULUMI}", "kubeadm-fleet")
    programs.write(folder, {**programs.read(folder), LAUNCHER: described})


def _build(name: str, program: GoProgram, folder: Path, work: Path) -> None:
    whole = work / f"{name}-{program.version}"
    if not whole.exists():
        with replacing(whole) as part:
            build(program, part)
    _copy_program(whole / name, folder)


def _copy_program(source: Path, folder: Path) -> None:
    with replacing(folder / source.name) as part:
        shutil.copyfile(source, part)
        part.chmod(0o755)
