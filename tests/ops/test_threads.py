"""Providers run in threads: nothing that they call changes global state."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
PROCESS_WIDE = {
    *("os.chdir", "os.umask", "os.fork", "os.nice", "os.putenv", "os.unsetenv", "os.setsid"),
    *("signal.signal", "signal.alarm", "sys.tracebacklimit", "sys.setrecursionlimit"),
    *("socket.setdefaulttimeout", "time.tzset", "locale.setlocale", "contextlib.chdir"),
}
# ops.pulumi runs the engine for a person: no provider is in that process.
FILES = sorted(
    file
    for file in (*TOP.glob("ops/**/*.py"), *TOP.glob("components/providers/*.py"))
    if file.parent != TOP / "ops" / "pulumi"
)


def changes(tree: ast.AST) -> Iterator[str]:
    """Yield a module's uses of global state."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node) in PROCESS_WIDE:
            yield ast.unparse(node)
        elif isinstance(node, ast.keyword) and node.arg == "preexec_fn":
            yield "preexec_fn"
        elif isinstance(node, ast.Global):
            yield f"global {', '.join(node.names)}"
        elif (
            isinstance(node, ast.Subscript)
            and not isinstance(node.ctx, ast.Load)
            and ast.unparse(node.value) == "os.environ"
        ):
            yield ast.unparse(node)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(TOP)))
def test_a_provider_changes_no_global_state(file: Path) -> None:
    assert list(changes(ast.parse(file.read_text()))) == []


def test_global_state_changes_are_detected() -> None:
    planted = "sys.tracebacklimit = 0\nos.environ['A'] = ''\nrun(preexec_fn=os.setsid)\n"
    assert {*changes(ast.parse(planted))} == {
        "sys.tracebacklimit",
        "os.environ['A']",
        "preexec_fn",
        "os.setsid",
    }
