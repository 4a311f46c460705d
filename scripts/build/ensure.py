"""Build or download what a stack needs: tool chain, bundles, machine images."""

import os
import sys
from collections.abc import Collection, Sequence
from contextlib import nullcontext
from pathlib import Path

import click
import yaml

from model import pins
from model.config.errors import ConfigError
from model.fleet import Fleet
from model.load import load
from scripts.build import buildcache
from scripts.build.task_graph import Result, Stage, run_stages
from scripts.build.version_type import VERSION

TOP = Path(__file__).resolve().parents[2]
KINDS = ("toolchain", "bundle", "image")


def stages_for(
    fleet: Fleet,
    wanted: Sequence[str],
    *,
    root: bool,
    also: Collection[str] = (),
    further: Collection[str] = (),
) -> list[Stage]:
    """Return the stages that provide the wanted kinds of prerequisites of a fleet.

    Each Kubernetes version that is sent from this host needs a bundle, and what only some clusters
    chose a supplement; each version that runs in container machines needs an image. `also` lists
    versions to which the fleet will be upgraded, `further` supplements for clusters like its own.
    Bundles are made one after the other, those of the fleet first: each compiles on all cores.
    """
    machines = [c for c in fleet.clusters if c.driver == "container"]
    containers = {c.kubernetes_version for c in machines}
    # Which supplements the images have, by version.
    images = {(c.kubernetes_version, c.supplements) for c in machines}
    images.update((version, c.supplements) for version in also for c in machines)
    images.update((version, (name,)) for version in containers for name in further)
    senders = [c for c in fleet.clusters if c.artifacts.source == "bundle"]
    own = {c.kubernetes_version for c in senders} | containers
    chosen = {name for c in (*senders, *machines) for name in c.supplements}
    supplements = sorted({*chosen, *further})
    stages = []
    if "toolchain" in wanted:
        stages.append(_module("toolchain", "scripts.build.toolchain"))
    if {"bundle", "image"}.isdisjoint(wanted):
        return stages
    packages: tuple[str, ...] = ()
    if containers or root:  # A user without root downloads bundles, which needs no package.
        level = "machines" if containers else "bundle"
        packages = ("packages",)
        stages.append(Stage("packages", (str(TOP / "scripts" / "setup.sh"), level)))
    mirror = next((c.artifacts.mirror for c in fleet.clusters if c.artifacts.mirror), None)
    sums = {key: value for c in fleet.clusters for key, value in c.artifacts.sums.items()}
    given = (part for key, value in sorted(sums.items()) for part in ("--sum", f"{key}={value}"))
    source = ("--mirror", mirror, *given) if mirror else ()
    former: tuple[str, ...] = ()
    for version in (*sorted(own), *sorted({*also} - own)) if "bundle" in wanted else ():
        name = f"bundle {version}"
        command = ("scripts.build.bundle", "--version", version, *source)
        stages.append(_module(name, *command, after=packages, behind=former))
        former = (name,)
    for name in supplements if "bundle" in wanted else []:
        command = (name, *(("--mirror", mirror) if mirror else ()))
        stages.append(
            _module(f"supplement {name}", "scripts.build.supplement", *command, after=packages)
        )
    for version, names in sorted(images) if "image" in wanted else []:
        parts = (f"bundle {version}", *(f"supplement {name}" for name in names))
        given = (part for name in names for part in ("--supplement", name))
        stages.append(
            _module(
                f"image {'+'.join((version, *names))}",
                *("scripts.build.image", "--version", version, *given),
                after=parts if "bundle" in wanted else packages,
            )
        )
    return stages


def _module(
    name: str, *module: str, after: tuple[str, ...] = (), behind: tuple[str, ...] = ()
) -> Stage:
    return Stage(name, (sys.executable, "-u", "-m", *module), after, behind)


def read_fleet(stack: str) -> Fleet:
    """Read the fleet from a tracked stack file."""
    path = TOP / f"Pulumi.{stack}.yaml"
    if not path.is_file():
        raise click.UsageError(f"no stack file {path.name} in {TOP}")
    document = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    try:
        return load((document.get("config") or {}).get("kubeadm-fleet:fleet"))
    except ConfigError as error:
        raise click.ClickException(f"{path.name}: {error}") from None


@click.command()
@click.option(
    "-s",
    "--stack",
    default="dev",
    envvar="FLEET_STACK",
    show_default=True,
    metavar="NAME",
    help="Name of the stack (environment: FLEET_STACK).",
)
@click.option(
    "--also", multiple=True, type=VERSION, help="Also prepare this Kubernetes version; repeatable."
)
@click.option(
    "--supplement",
    "further",
    multiple=True,
    type=click.Choice(sorted(pins.SUPPLEMENTS)),
    help="Also prepare this supplement, and an image with it; repeatable.",
)
@click.argument("wanted", nargs=-1, required=True, type=click.Choice(KINDS))
def main(
    stack: str, also: tuple[str, ...], further: tuple[str, ...], wanted: tuple[str, ...]
) -> None:
    """Provide what a stack needs: tool chain, bundles, machine images.

    Existing ones are kept.

    \b
    Example
      fleet build stack --stack prod toolchain bundle
    """
    root = os.geteuid() == 0
    fleet = read_fleet(stack)
    if "image" in wanted and not root and any(c.driver == "container" for c in fleet.clusters):
        raise click.ClickException(
            f"the stack {stack} creates container machines on this host, which requires root: "
            "run the command again with sudo (`make preview` works without)"
        )
    stages = stages_for(fleet, wanted, root=root, also=also, further=further)
    # Much of what two versions compile is the same: it is kept from one to the next.
    follow = any(stage.behind for stage in stages)
    with buildcache.building() if follow else nullcontext():
        results = run_stages(stages)
        if not all(result is Result.DONE for result in results.values()):
            sys.exit(1)


if __name__ == "__main__":
    main()
