"""A command group whose subcommands are files: each is imported only when it is run."""

import ast
from functools import cached_property
from importlib import import_module
from pathlib import Path

import click
from click.shell_completion import CompletionItem


class LazyGroup(click.Group):
    """Finds `<name>.py` in a package of subcommands; each exposes `command`.

    The first line of a file's docstring is its line in the group's help page, which is read without
    importing the file: a completion or a help page must not wait for a Kubernetes client.
    """

    package = "scripts.fleet.commands"

    @cached_property
    def _files(self) -> dict[str, Path]:
        folder = Path(__file__).with_name("commands")
        files = sorted(folder.glob("[!_]*.py"))
        return {path.stem.replace("_", "-"): path for path in files}

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Give the names of all subcommands."""
        return list(self._files)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one subcommand."""
        if cmd_name not in self._files:
            return None
        module = import_module(f"{self.package}.{self._files[cmd_name].stem}")
        found: click.Command = module.command
        found.name = cmd_name
        return found

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete names of subcommands."""
        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        return [
            CompletionItem(name, help=_summary(path))
            for name, path in self._files.items()
            if name.startswith(incomplete)
        ]

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of subcommands."""
        rows = [(name, _summary(path)) for name, path in self._files.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def _summary(path: Path) -> str:
    """Return the first line of a file's docstring."""
    docstring = ast.get_docstring(ast.parse(path.read_bytes())) or ""
    return docstring.partition("\n")[0]
