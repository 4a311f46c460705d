"""A command group whose subcommands are files, each imported only when it is run."""

import ast
import difflib
from functools import cached_property
from importlib import import_module
from pathlib import Path
from signal import SIGINT
from typing import Any

import click
from click.shell_completion import CompletionItem

INTERRUPTED = 128 + SIGINT
PROJECT = Path(__file__).resolve().parents[2]


class LazyGroup(click.Group):
    """Each file of `folder` is a subcommand, which it exposes as `attribute`.

    The first line of a file's docstring is its line on the group's help page. It is read without
    importing the file: completion and help must not wait for a Kubernetes client.
    """

    folder = PROJECT / "scripts" / "fleet" / "commands"
    attribute = "command"

    @cached_property
    def files(self) -> dict[str, Path]:
        """The file of each subcommand."""
        paths = sorted(self.folder.glob("[!_]*.py"))
        return {path.stem.replace("_", "-"): path for path in paths}

    def invoke(self, ctx: click.Context) -> Any:
        """Run a subcommand; Ctrl-C ends it with a status that means nothing else."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Return the names of all subcommands."""
        return list(self.files)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one subcommand."""
        if cmd_name not in self.files:
            return None
        path = self.files[cmd_name].relative_to(PROJECT).with_suffix("")
        command: click.Command = getattr(import_module(".".join(path.parts)), self.attribute)
        command.name = cmd_name
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the subcommand that is named; for a misspelled one, suggest the nearest."""
        if args[0] not in self.files and (near := difflib.get_close_matches(args[0], self.files)):
            ctx.fail(f"No such command '{args[0]}'. Did you mean {' or '.join(near)}?")
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete names of subcommands."""
        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        return [
            CompletionItem(name, help=_summary(path))
            for name, path in self.files.items()
            if name.startswith(incomplete)
        ]

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of subcommands."""
        rows = [(name, _summary(path)) for name, path in self.files.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def _summary(path: Path) -> str:
    """Return the first line of a file's docstring."""
    docstring = ast.get_docstring(ast.parse(path.read_bytes())) or ""
    return docstring.partition("\n")[0]
