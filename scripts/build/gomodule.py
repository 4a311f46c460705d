"""Programs built from the Go module registry, for networks without access to releases.

Each program is built from its own module at its released version, through a wrapper module that
repeats the replacements and `godebug` settings of its go.mod. The source is verified with Go's
checksum database, unless this machine configures GOSUMDB or GONOSUMDB.
"""

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from scripts.build import arch, buildcache, golang
from scripts.build.progress import task
from scripts.build.shell import DIES_WITH_PARENT, run

WRAPPER = "kubeadm-fleet/build"


@dataclass(frozen=True)
class GoProgram:
    """Executables of one module: `packages` are import paths, each built to its last element.

    With `test`, they are the packages' tests, each built to its last element and ".test". With
    `source`, a folder of Go files that import the module, the package is that folder:
    `own_package(source)`.
    """

    module: str
    version: str
    packages: tuple[str, ...]
    ldflags: str = "-s -w"
    replacements: Mapping[str, str] = field(default_factory=dict)
    godebug: tuple[str, ...] = ()
    cgo: bool = False
    tags: tuple[str, ...] = ()
    test: bool = False
    source: Path | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the executables: the packages' last elements, without a major version."""
        suffix = ".test" if self.test else ""
        return tuple(
            re.sub(r"/v\d+$", "", path).rsplit("/", 1)[-1] + suffix for path in self.packages
        )

    @property
    def origin(self) -> str:
        """The program's origin, for a manifest."""
        return f"{self.module}@{self.version}"


def build(program: GoProgram, target: Path) -> None:
    """Build the program's executables, for this host's architecture, into the folder `target`."""
    verb = ("test", "-c") if program.test else ("build",)
    command = [*DIES_WITH_PARENT, golang.go(), *verb, "-trimpath", "-ldflags", program.ldflags]
    if program.tags:
        command += ["-tags", ",".join(program.tags)]
    with task(f"building {', '.join(program.names)} from {program.origin}"), _scratch() as work:
        (work / "go.mod").write_text(_wrapper(program))
        if program.source:
            shutil.copytree(program.source, work / program.source.name)
        target.mkdir(parents=True, exist_ok=True)
        run([*command, "-o", f"{target}/", *program.packages], cwd=work, env=_env(program.cgo))


def own_package(source: Path) -> str:
    """Return the import path of a program's own folder of Go files."""
    return f"{WRAPPER}/{source.name}"


def download(module: str, version: str) -> Path:
    """Return the folder of a module's source in the module cache."""
    return Path(_go_json("mod", "download", "-json", f"{module}@{version}")["Dir"])


def go_mod(folder: Path) -> dict[str, Any]:
    """Return the go.mod in `folder` in the format of `go mod edit -json`."""
    return _go_json("mod", "edit", "-json", str(folder / "go.mod"))


def module_cache() -> Path:
    """Return the folder in which this user's Go keeps the source of modules."""
    return Path(_go_json("env", "-json", "GOMODCACHE")["GOMODCACHE"])


def ldflags(variables: Mapping[str, str], extra: Sequence[str] = ()) -> str:
    """Return linker flags that strip the program and set string variables."""
    return " ".join(
        ["-s", "-w", *(f"-X {name}={value}" for name, value in variables.items()), *extra]
    )


def _go_json(*arguments: str) -> dict[str, Any]:
    """Return the JSON output of a go command, run outside of any module."""
    with _scratch() as work:
        output: dict[str, Any] = json.loads(run([golang.go(), *arguments], cwd=work, env=_env()))
    return output


@contextmanager
def _scratch() -> Iterator[Path]:
    buildcache.folder().mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=buildcache.folder()) as folder:
        yield Path(folder)


def _wrapper(program: GoProgram) -> str:
    lines = [f"module {WRAPPER}", "", f"go 1.{golang.MINOR}", ""]
    lines += [f"godebug {setting}" for setting in program.godebug]
    lines += [f"require {program.module} {program.version}"]
    lines += [f"replace {old} => {new}" for old, new in program.replacements.items()]
    return "\n".join(lines) + "\n"


def _env(cgo: bool = False) -> dict[str, str]:
    """Return the caller's environment, including its Go registry, with the build's settings."""
    return {
        **os.environ,
        "GOFLAGS": "-buildvcs=false -mod=mod",
        "GOCACHE": str(buildcache.folder() / "go"),
        "GOWORK": "off",
        "GOOS": "linux",
        "GOARCH": arch.host(),
        "CGO_ENABLED": "1" if cgo else "0",
    }
