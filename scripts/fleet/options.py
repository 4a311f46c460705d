"""Options and help-page parts shared by the subcommands."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from model.selectors import LabelSelector, SelectorError

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

CONTEXT_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


def _complete_stack(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    project = Path(__file__).resolve().parents[2]
    names = sorted(path.name.split(".")[1] for path in project.glob("Pulumi.*.yaml"))
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def stack_argument() -> Decorator:
    """Take the stack as the optional argument STACK: for commands about a stack."""
    return click.argument(
        "stack",
        required=False,
        default="dev",
        envvar="FLEET_STACK",
        shell_complete=_complete_stack,
    )


def stack_option() -> Decorator:
    """Take the stack as an option: for commands that take other arguments."""
    return click.option(
        "-s",
        "--stack",
        default="dev",
        envvar="FLEET_STACK",
        show_default=True,
        metavar="NAME",
        shell_complete=_complete_stack,
        help="Name of the stack (environment: FLEET_STACK).",
    )


def _parse_selector(
    _context: click.Context, _parameter: click.Parameter, text: str | None
) -> LabelSelector | None:
    try:
        return None if text is None else LabelSelector.parse(text)
    except SelectorError as error:
        raise click.BadParameter(f"not a label selector: {error}") from None


def selector_option() -> Decorator:
    """Take a label selector of clusters as the option `selector`."""
    return click.option(
        "-l",
        "--selector",
        metavar="SELECTOR",
        callback=_parse_selector,
        help="Only clusters with these labels, as for kubectl: env=dev,region!=osaka,!legacy.",
    )


def plan_options() -> Decorator:
    """Add options for the detail of the displayed plan."""

    def add_options(function: Callable[..., Any]) -> Callable[..., Any]:
        verbose = click.option(
            "-v",
            "--verbose",
            is_flag=True,
            help="Also print every resource and diagnostic of the engine.",
        )
        plan_file = click.option(
            "--plan-file",
            type=click.Path(dir_okay=False, writable=True, path_type=Path),
            metavar="FILE",
            help="Write every resource and diagnostic of the engine to FILE.",
        )
        return verbose(plan_file(function))

    return add_options


def examples(*lines: str) -> str:
    """Return the last section of a help page: example commands, each with its purpose."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)
