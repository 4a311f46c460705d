"""`fleet watch --print-unit`: the systemd unit that runs this command."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from model.watch import unit
from model.watch.unit import Unit
from ops.watch.endpoint import FILE, VARIABLE
from scripts.fleet.duration import Duration
from scripts.fleet.lazy_group import PROJECT

FLAG = "print_unit"
LOGS = Path("/var/log") / unit.NAME
# systemd hides homes from the unit, and its user could not read them.
HOMES = (Path("/root"), Path("/home"), Path("/run/user"))
HOOKS = ("webhooks", "slack")
STACK = ("stack", "option")
# https://www.freedesktop.org/software/systemd/man/systemd.exec.html#LoadCredential=ID:PATH
CREDENTIAL = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")
KUBECONFIG, STATE = "kubeconfig", "state.json"


def show(context: click.Context) -> None:
    """Print the unit; say on standard error what would keep it from running."""
    text = of_command(context)
    if folders := [*map(str, hidden())]:
        click.echo(
            f"fleet watch: the unit's user cannot read {', '.join(folders)}: install the program "
            "and its Python outside of homes, such as in /opt, and print the unit there",
            err=True,
        )
    click.echo(text, nl=False)


def of_command(context: click.Context) -> str:
    """Return the unit for the options that were given; raise UsageError for what it cannot have."""
    if context.params["user"]:
        raise click.UsageError(
            "a unit has a credential that only reads: write one with `fleet kubeconfig --user "
            f"{context.params['user']}`, and name it with --kubeconfig"
        )
    made = _Making(context)
    try:
        words = [unit.word(str(Path(sys.prefix) / "bin" / "fleet")), unit.word("watch")]
        for parameter in context.command.params:
            words += made.words(parameter)
        words += [unit.word("--state"), unit.inside(unit.STATE, STATE)]
        return Unit(words, made.credentials).text()
    except ValueError as error:
        raise click.UsageError(f"--print-unit: {error}") from None


def hidden() -> Iterator[Path]:
    """Yield folders of the program that the unit could not read."""
    for folder in dict.fromkeys((PROJECT, Path(sys.prefix), Path(sys.base_prefix))):
        if any(folder.resolve().is_relative_to(home) for home in HOMES):
            yield folder


class _Making:
    """Takes options, and collects the files that systemd hands to the unit."""

    def __init__(self, context: click.Context) -> None:
        self.credentials: dict[str, str] = {}
        self._context = context

    def words(self, parameter: click.Parameter) -> Iterator[str]:
        """Yield the words for what was given of a parameter."""
        name = parameter.name or ""
        values: Any = self._context.params.get(name)
        source = self._context.get_parameter_source(name)
        is_given = source is ParameterSource.COMMANDLINE
        # The stack is not needed with a kubeconfig.
        if not is_given or name in (FLAG, *STACK):
            return
        if name == "state":
            raise ValueError(f"the unit keeps its state in /var/lib/{unit.NAME}: leave --state out")
        for value in values if parameter.multiple else [values]:
            yield unit.word(parameter.opts[-1])
            yield self._value(parameter, value)

    def _value(self, parameter: click.Parameter, value: Any) -> str:
        if parameter.name == "kubeconfig":
            return self._loaded(KUBECONFIG, value)
        if parameter.name in HOOKS and value.startswith(FILE):
            path = Path(value.removeprefix(FILE))
            return self._loaded(path.name, path, FILE)
        if parameter.name in HOOKS and value.startswith(VARIABLE):
            raise ValueError(f"the unit has no variable of this shell: give @FILE, not {value}")
        if parameter.name == "events":
            path = value.absolute()
            if path.parent != LOGS:
                raise ValueError(f"the unit can write --events below {LOGS} only, not {path}")
            return unit.inside(unit.LOGS, path.name)
        return unit.word(f"{value}s" if isinstance(parameter.type, Duration) else str(value))

    def _loaded(self, name: str, path: Path, prefix: str = "") -> str:
        """Return the word for a file that systemd hands over, under a name of its own."""
        file = str(path.absolute())
        if not CREDENTIAL.fullmatch(name):
            raise ValueError(f"{file}: rename it, with ASCII letters, digits, ., _ and - only")
        if self.credentials.setdefault(name, file) != file:
            raise ValueError(f"two files are named {name}: rename one")
        return unit.inside(unit.CREDENTIALS, name, prefix)
