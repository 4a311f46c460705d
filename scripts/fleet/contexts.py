"""The contexts of the checkout's kubeconfigs: a list, the current one, and a shell for one."""

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from rich.table import Table

from ops.errors import OperatorError
from ops.private_file import write_private

# A stack or a label with one of these values is production.
PRODUCTION = ("prod", "production")
RED, CYAN = 31, 36


@dataclass(frozen=True)
class Context:
    """A context of ./kubeconfig."""

    name: str
    cluster: str
    server: str
    is_current: bool


def read(path: Path) -> list[Context]:
    """Return the contexts of a kubeconfig that `fleet` wrote. Raises OperatorError."""
    config = _load(path)
    try:
        servers = {each["name"]: each["cluster"]["server"] for each in config["clusters"]}
        return [
            Context(
                name=each["name"],
                cluster=(cluster := each["context"]["cluster"]),
                server=servers[cluster],
                is_current=each["name"] == config.get("current-context"),
            )
            for each in config["contexts"]
        ]
    except (KeyError, TypeError):
        raise _no_kubeconfig(path) from None


def table(contexts: Iterable[Context], *, titles: bool = True) -> Table:
    """Return the contexts as a table, with a star at the current one."""
    found = Table(box=None, pad_edge=False, header_style="bold", show_header=titles)
    for title in ("CURRENT", "NAME", "CLUSTER", "SERVER"):
        found.add_column(title, overflow="fold")
    for each in contexts:
        star = "*" if each.is_current else ""
        found.add_row(star, each.name, each.cluster, each.server)
    return found


def switch(path: Path, name: str) -> Context:
    """Make a context, named by itself or its cluster, the current one. Raises OperatorError."""
    contexts = read(path)
    for each in contexts:
        if name in (each.name, each.cluster):
            config = {**_load(path), "current-context": each.name}
            write_private(path, yaml.safe_dump(config, sort_keys=False))
            return each
    known = ", ".join(each.name for each in contexts)
    raise OperatorError(f"{path} has no context {name}; its contexts: {known}")


def run_shell(file: Path, stack: str, labels: Mapping[str, str]) -> int:
    """Open a shell whose only cluster is that of `file`; return its exit status.

    The prompt of bash and zsh names the cluster, in red if it is production; their own startup
    files are read first. Other shells have the same environment and their own prompt.
    """
    name = f"{stack}/{file.name}"
    colour = RED if is_production(stack, labels) else CYAN
    shell = os.environ.get("SHELL") or shutil.which("bash") or "/bin/sh"
    environment = {
        **os.environ,
        "KUBECONFIG": str(file),
        "FLEET_STACK": stack,
        "FLEET_CLUSTER": file.name,
    }
    with tempfile.TemporaryDirectory(prefix="fleet-shell-") as folder:
        command = [shell, *_prompt(Path(shell).name, Path(folder), name, colour, environment)]
        return subprocess.run(command, env=environment, check=False).returncode


def is_production(stack: str, labels: Mapping[str, str]) -> bool:
    """Whether a stack's name, or any label of a cluster, says production."""
    return any(value in PRODUCTION for value in (stack, *labels.values()))


def _prompt(
    shell: str, folder: Path, name: str, colour: int, environment: dict[str, str]
) -> Iterator[str]:
    """Yield the arguments with which a shell names the cluster in its prompt."""
    if shell == "bash":
        text = shlex.quote(rf"\[\e[1;{colour}m\]({name})\[\e[0m\] ")
        startup = folder / "bashrc"
        startup.write_text(f'[ ! -f ~/.bashrc ] || . ~/.bashrc\nPS1={text}"$PS1"\n')
        yield from ("--rcfile", str(startup), "-i")
    elif shell == "zsh":
        own = shlex.quote(environment.get("ZDOTDIR") or str(Path.home()))
        text = shlex.quote(f"%B%F{{{'red' if colour == RED else 'cyan'}}}({name})%f%b ")
        (folder / ".zshenv").write_text(f"[ ! -f {own}/.zshenv ] || . {own}/.zshenv\n")
        (folder / ".zshrc").write_text(
            f'ZDOTDIR={own}\n[ ! -f {own}/.zshrc ] || . {own}/.zshrc\nPROMPT={text}"$PROMPT"\n'
        )
        environment["ZDOTDIR"] = str(folder)


def _load(path: Path) -> dict[str, Any]:
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise OperatorError(f"{path} does not exist: run `fleet kubeconfig`") from None
    except (ValueError, yaml.YAMLError):
        raise _no_kubeconfig(path) from None
    if not isinstance(config, dict):
        raise _no_kubeconfig(path)
    return config


def _no_kubeconfig(path: Path) -> OperatorError:
    return OperatorError(f"{path} is not a kubeconfig: remove it and run `fleet kubeconfig`")
