"""The programs of this host that the code starts, and those that every host has.

A development machine has more programs than a fresh one. Whatever the code starts must come with
every system, be presupposed by the README, or stand in the lists of scripts/setup.sh.
"""

import ast
import os
import re
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

TOP = Path(__file__).parents[2]
SYSTEM_FOLDERS = frozenset({"/bin", "/sbin", "/usr/bin", "/usr/sbin"})
# Of Debian's Essential packages and of apt: no Debian and no Ubuntu is without them.
ESSENTIAL = frozenset(
    {
        "apt-config",
        "apt-get",
        "bash",
        "chroot",
        "cp",
        "dpkg",
        "dpkg-deb",
        "dpkg-query",
        "du",
        "sh",
        "sleep",
        "test",
        "unshare",
    }
)
# What the README presupposes, and what scripts/setup.sh finds in a way of its own.
GIVEN = frozenset({"git", "make", "python3"})
# What comes with this program's own tool chain.
TOOL_CHAIN = frozenset({"pulumi"})
# What is started only where it is there anyway.
OPTIONAL: Mapping[str, str] = {
    "go": "another one is installed where there is none",
    "iptables": "there are no rules to add to where it is missing",
    "kubectl": "only looked for, to tell its user what to type",
    "systemctl": "only where systemd is PID 1",
    "systemd-run": "only where systemd is PID 1",
}
# What starts another program, that its arguments name.
WRAPPERS = frozenset({"setpriv", "unshare"})
# Functions that start the program which their first argument begins with, or look for it in PATH.
LAUNCHERS = frozenset({"Popen", "run", "_run", "succeeds", "which"})
LAUNCHING_MODULES = frozenset({"shutil", "subprocess"})

Values = Mapping[str, list[ast.expr]]


@cache
def installed(*levels: str) -> frozenset[str]:
    """Return the programs that the set-up sees to: the first column of its lists <level>_needs."""
    script = (TOP / "scripts" / "setup.sh").read_text()
    lists = dict(re.findall(r"(?ms)^(\w+)_needs\(\) {\n  cat <<'LIST'\n(.*?)^LIST$", script))
    lines = [line for level in levels for line in lists[level].splitlines()]
    return frozenset(Path(line.split()[0]).name for line in lines)


def for_machines() -> frozenset[str]:
    """Return what `make up` can count on."""
    return ESSENTIAL | GIVEN | TOOL_CHAIN | installed("bundle", "machine")


def for_tests() -> frozenset[str]:
    """Return what `make test` can count on."""
    return for_machines() | installed("unit", "test", "prove")


def for_fast_tests() -> frozenset[str]:
    """Return what `make test-unit` can count on."""
    return ESSENTIAL | GIVEN | installed("unit")


def unlisted(command: Sequence[str]) -> list[str]:
    """Return the programs of a command that this host has and a fresh one may lack."""
    words = command if of_the_system(command[0]) in WRAPPERS else command[:1]
    return [word for word in words if _is_unlisted(word)]


@cache
def _is_unlisted(program: str) -> bool:
    name = of_the_system(program)
    if name is None or name in for_tests() | OPTIONAL.keys():
        return False
    return shutil.which(name, path=os.pathsep.join(SYSTEM_FOLDERS)) is not None


def of_the_system(program: str) -> str | None:
    """Return a program's name if it is this host's own, and no file of a test or a tool chain."""
    path = Path(program)
    return path.name if path.name == program or str(path.parent) in SYSTEM_FOLDERS else None


def started(*folders: str) -> dict[str, set[str]]:
    """Return this host's programs that the Python files in `folders` start, each with the lines."""
    found: dict[str, set[str]] = defaultdict(set)
    for file in (each for folder in folders for each in (TOP / folder).rglob("*.py")):
        for line, program in in_source(file.read_text()):
            found[program].add(f"{file.relative_to(TOP)}:{line}")
    return found


def in_source(source: str, first_line: int = 1) -> Iterator[tuple[int, str]]:
    """Return what a program's text starts; a text inside that is itself a program counts too."""
    module = ast.parse(source)
    constants = _assigned(module.body)
    for part in _functions(module.body):
        values = {**constants, **_assigned(ast.walk(part))}
        for node in ast.walk(part):
            match node:
                case ast.Call(function, [command, *_]) if _launches(function):
                    for program in filter(of_the_system, _first(command, values)):
                        yield first_line + node.lineno - 1, Path(program).name
                case ast.Constant(str(text)) if "\nimport subprocess\n" in text:
                    yield from in_source(text, node.lineno)


def _functions(nodes: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    for node in nodes:
        if isinstance(node, ast.ClassDef):
            yield from _functions(node.body)
        else:
            yield node


def _launches(function: ast.expr) -> bool:
    match function:
        case ast.Name(name):
            return name in LAUNCHERS
        case ast.Attribute(ast.Name(module), name):
            return module in LAUNCHING_MODULES and name in LAUNCHERS
    return False


def _assigned(nodes: Iterable[ast.AST]) -> dict[str, list[ast.expr]]:
    """Return the commands (lists and tuples) that names stand for, in assignments and loops."""
    found: dict[str, list[ast.expr]] = defaultdict(list)
    for node in nodes:
        match node:
            case ast.Assign([ast.Name(name)], ast.List() | ast.Tuple() as command):
                found[name].append(command)
            case ast.For(ast.Name(name), ast.List(commands) | ast.Tuple(commands)):
                found[name] += [each for each in commands if not isinstance(each, ast.Constant)]
    return found


def _first(command: ast.expr, values: Values) -> Iterator[str]:
    """What a command begins with, as far as the text tells."""
    match command:
        case ast.Constant(str(program)):
            yield program
        case ast.List([first, *_]) | ast.Tuple([first, *_]) | ast.Starred(first):
            yield from _first(first, values)
        case ast.Name(name):
            for value in values.get(name, ()):
                yield from _first(value, {**values, name: []})
