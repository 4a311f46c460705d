"""Options and help-page parts shared by the subcommands."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from click.shell_completion import CompletionItem

from model.selectors import LabelSelector, SelectorError

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

# What Pulumi allows; the name of a stack's file is no name of a stack.
STACK_NAME = re.compile(r"(?!Pulumi\..*\.yaml$)[A-Za-z0-9_.-]{1,100}")
STACK_FILE = re.compile(r"(?:^|/)Pulumi\.([^/]+)\.yaml$")
TIMEOUT_SECONDS = 10.0
CONTEXT_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


def _complete_stack(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    project = Path(__file__).resolve().parents[2]
    names = sorted(path.name.split(".")[1] for path in project.glob("Pulumi.*.yaml"))
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def check_stack_name(
    _context: click.Context, _parameter: click.Parameter, text: str | None
) -> str | None:
    """Reject what cannot be the name of a stack, such as the path of its file."""
    if text is None or STACK_NAME.fullmatch(text) is not None:
        return text
    file = STACK_FILE.search(text)
    hint = f": its name is {file[1]}" if file else ": letters, digits, -, _ and ."
    raise click.BadParameter(f"{text} is not the name of a stack{hint}")


def stack_option() -> Decorator:
    """Take the stack as an option: for commands that take other arguments."""
    return _stack_option("stack")


def _stack_option(parameter: str) -> Decorator:
    return click.option(
        "-s",
        "--stack",
        parameter,
        default="dev",
        envvar="FLEET_STACK",
        show_default=True,
        metavar="NAME",
        callback=check_stack_name,
        shell_complete=_complete_stack,
        help="Name of the stack (environment: FLEET_STACK).",
    )


def stack_argument() -> Decorator:
    """Take the stack as the optional argument STACK, or as the option: for commands about one."""

    def add_parameters(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def with_stack(*, stack: str | None, option: str, **others: Any) -> Any:
            source = click.get_current_context().get_parameter_source("option")
            if stack not in (None, option) and source is ParameterSource.COMMANDLINE:
                raise click.UsageError(f"two stacks are named, {stack} and {option}: name one")
            return function(stack=stack or option, **others)

        argument = click.argument(
            "stack", required=False, callback=check_stack_name, shell_complete=_complete_stack
        )
        return argument(_stack_option("option")(with_stack))

    return add_parameters


def _parse_selector(
    _context: click.Context, _parameter: click.Parameter, text: str | None
) -> LabelSelector | None:
    try:
        return None if text is None else LabelSelector.parse(text)
    except SelectorError as error:
        raise click.BadParameter(f"not a label selector: {error}") from None


def cluster_option() -> Decorator:
    """Take names of clusters as the option `clusters`."""
    return click.option(
        "--cluster",
        "clusters",
        multiple=True,
        metavar="NAME",
        help="Only this cluster; repeatable.",
    )


def selector_option() -> Decorator:
    """Take a label selector of clusters as the option `selector`."""
    return click.option(
        "-l",
        "--selector",
        metavar="SELECTOR",
        callback=_parse_selector,
        help="Only clusters with these labels, as for kubectl: env=dev,region!=osaka,!legacy.",
    )


@dataclass(frozen=True)
class EachClusterOptions:
    """For which clusters a command is run, how, and how its results are shown."""

    stack: str
    clusters: tuple[str, ...]
    selector: LabelSelector | None
    parallel: int
    seconds: float | None
    output: str


def check_selection(
    clusters: Sequence[str], selector: LabelSelector | None, kubeconfig: Path | None = None
) -> None:
    """Reject options that choose clusters in two ways; raise click.UsageError."""
    if selector and clusters:
        raise click.UsageError("--cluster and --selector cannot be combined")
    if selector and kubeconfig:
        raise click.UsageError(
            "--selector and --kubeconfig cannot be combined: labels are those of a stack"
        )


def each_cluster_options() -> Decorator:
    """Take the options of a command that is run for each cluster as one value, `options`."""

    def add_options(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def with_options(*, arguments: tuple[str, ...], **given: Any) -> Any:
            options = EachClusterOptions(**given)
            check_selection(options.clusters, options.selector)
            return function(options=options, arguments=arguments)

        parallel = click.option(
            "--parallel",
            type=click.IntRange(min=1),
            default=16,
            show_default=True,
            metavar="NUMBER",
            help="How many clusters at the same time.",
        )
        seconds = click.option(
            "--timeout",
            "seconds",
            type=click.FloatRange(min=0, min_open=True),
            metavar="SECONDS",
            help="How long it may take for one cluster (default: no limit).",
        )
        output = click.option(
            "-o",
            "--output",
            type=click.Choice(["lines", "json", "yaml"]),
            default="lines",
            show_default=True,
            help="Format; docs/exec.schema.json describes the fields.",
        )
        its_own = parallel(seconds(output(with_options)))
        return stack_option()(cluster_option()(selector_option()(its_own)))

    return add_options


def timeout_option() -> Decorator:
    """Take how long clusters are waited for, in seconds, as the option `timeout`."""
    return click.option(
        "--timeout",
        type=click.FloatRange(0.1, 3600),
        default=TIMEOUT_SECONDS,
        show_default=True,
        metavar="SECONDS",
        help="How long to wait for answers; what has not answered by then is shown so.",
    )


def kubeconfig_option() -> Decorator:
    """Take a kubeconfig of any clusters as the option `kubeconfig`."""
    return click.option(
        "--kubeconfig",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Ask every context of this kubeconfig, not a stack: any cluster can be read.",
    )


@dataclass(frozen=True)
class View:
    """Which clusters a command reads, how long it waits for them, and how it shows them."""

    selector: LabelSelector | None
    clusters: tuple[str, ...]
    kubeconfig: Path | None
    seconds: float
    output: str
    watch: bool
    headers: bool


def view_options(schema: str) -> Decorator:
    """Take the options of a command that reads the fleet as one `View`, named `view`."""

    def add_options(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def with_view(
            *,
            selector: LabelSelector | None,
            clusters: tuple[str, ...],
            kubeconfig: Path | None,
            timeout: float,
            output: str,
            watch: bool,
            no_headers: bool,
            **others: Any,
        ) -> Any:
            check_selection(clusters, selector, kubeconfig)
            view = View(selector, clusters, kubeconfig, timeout, output, watch, not no_headers)
            return function(view=view, **others)

        shown: Callable[..., Any] = with_view
        for option in (
            click.option("--no-headers", is_flag=True, help="Print no head lines of tables."),
            click.option(
                "-w", "--watch", is_flag=True, help="Ask again every few seconds, until Ctrl-C."
            ),
            click.option(
                "-o",
                "--output",
                type=click.Choice(["table", "wide", "json", "yaml"]),
                default="table",
                show_default=True,
                help=f"Format; {schema} describes the fields.",
            ),
            timeout_option(),
            kubeconfig_option(),
            cluster_option(),
            selector_option(),
        ):
            shown = option(shown)
        return shown

    return add_options


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
