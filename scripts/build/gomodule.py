"""Programs built from the Go module registry, for use without downloadable releases.

Each is the program's own module at its released version, built with a wrapper module that repeats
what its go.mod says of replacements and of `godebug`. The registry's checksum database vouches for
the source, unless GOSUMDB or GONOSUMDB of this machine says otherwise.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from scripts.build import arch, buildcache, golang
from scripts.build.progress import task
from scripts.build.shell import ENDS_WITH_US, run


@dataclass(frozen=True)
class GoProgram:
    """Executables of one module: `packages` are import paths, each built to its last element."""

    module: str
    version: str
    packages: tuple[str, ...]
    ldflags: str = "-s -w"
    replacements: Mapping[str, str] = field(default_factory=dict)
    godebug: tuple[str, ...] = ()
    cgo: bool = False
    tags: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The executables: packages without the major version that may end their path."""
        return tuple(re.sub(r"/v\d+$", "", each).rsplit("/", 1)[-1] for each in self.packages)

    @property
    def origin(self) -> str:
        """Where it comes from, for a manifest."""
        return f"{self.module}@{self.version}"


def build(program: GoProgram, target: Path) -> None:
    """Build the program's executables, for this host's architecture, into the folder `target`."""
    command = [*ENDS_WITH_US, golang.go(), "build", "-trimpath", "-ldflags", program.ldflags]
    if program.tags:
        command += ["-tags", ",".join(program.tags)]
    with task(f"building {', '.join(program.names)} from {program.origin}"), _scratch() as work:
        (work / "go.mod").write_text(_wrapper(program))
        target.mkdir(parents=True, exist_ok=True)
        run([*command, "-o", f"{target}/", *program.packages], cwd=work, env=_env(program.cgo))


def download(module: str, version: str) -> Path:
    """Return the folder of a module's source in the module cache."""
    return Path(_ask("mod", "download", "-json", f"{module}@{version}")["Dir"])


def go_mod(folder: Path) -> dict[str, Any]:
    """Return the go.mod in `folder` as `go mod edit -json` says it."""
    return _ask("mod", "edit", "-json", str(folder / "go.mod"))


def module_cache() -> Path:
    """Where this user's Go keeps the source of modules."""
    return Path(_ask("env", "-json", "GOMODCACHE")["GOMODCACHE"])


def ldflags(variables: Mapping[str, str], extra: Sequence[str] = ()) -> str:
    """Return linker flags that strip the program and set string variables."""
    return " ".join(
        ["-s", "-w", *(f"-X {name}={value}" for name, value in variables.items()), *extra]
    )


def _ask(*arguments: str) -> dict[str, Any]:
    """Return the JSON that a go command prints, run where no go.mod has a say."""
    with _scratch() as work:
        answer: dict[str, Any] = json.loads(run([golang.go(), *arguments], cwd=work, env=_env()))
    return answer


@contextmanager
def _scratch() -> Iterator[Path]:
    buildcache.folder().mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=buildcache.folder()) as folder:
        yield Path(folder)


def _wrapper(program: GoProgram) -> str:
    lines = ["module kubeadm-fleet/build", "", f"go 1.{golang.MINOR}", ""]
    lines += [f"godebug {each}" for each in program.godebug]
    lines += [f"require {program.module} {program.version}"]
    lines += [f"replace {old} => {new}" for old, new in program.replacements.items()]
    return "\n".join(lines) + "\n"


def _env(cgo: bool = False) -> dict[str, str]:
    """The caller's environment with its own settings of Go's registry, and ours for the build."""
    return {
        **os.environ,
        "GOFLAGS": "-buildvcs=false -mod=mod",
        "GOCACHE": str(buildcache.folder() / "go"),
        "GOWORK": "off",
        "GOOS": "linux",
        "GOARCH": arch.host(),
        "CGO_ENABLED": "1" if cgo else "0",
    }
