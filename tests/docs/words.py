"""Words that are not used, what to write instead, and the texts in which they are searched for."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

from tests.docs.documents import TOP, without_blocks

# Patterns of words and phrases, with what to write instead; docs/glossary.md defines the terms.
INSTEAD = {
    "all the same": "nevertheless",
    "anew": "again; recreate",
    "as (it was |they were )?made": "as installed, as configured",
    "asked for": "requested",
    "at once": "immediately; at the same time; together",
    "away": "unavailable",
    "be had": "be available",
    "bears?": "carries, has",
    "behind (the program's|its) back": "outside the program",
    "dead Nodes?": "lost Node",
    "for ?ever|for good": "permanently",
    "former ones?": "previous one",
    "found(er|ing|ation)": "initialize; first control plane",
    r"(gives?|given) (anything|its pods|what \w+) up|gives? up what": "release; delete",
    "gone on with": "continued, resumed",
    "(is|are) (down|away)": "unreachable, unavailable or dead, as in the glossary",
    "(is|are|was|were|been) told": "is sent, is configured, gets",
    "in vain": "without effect",
    "leav(e|es|ing) (it|them|workers|machines) out|left out": "skipped; omitted, optional",
    "lost (workers?|machines?)": "dead, or permanently lost",
    "mend(s|ed|ing)?": "fix, repair",
    "one by one": "serially, one at a time",
    "put right": "fixed",
    "side by side": "in parallel",
    "taken over": "claimed",
    "take[ns]? .{1,30} out of the config": "remove from the config",
    "the one door": "the only place",
    "thereof|thus|upon which|whereupon": "so, which, then",
    "way out": "proxy",
    "what (was|were) (asked|done|made|said)": "a noun",
}
_UNUSED = {pattern: re.compile(rf"\b({pattern})\b", re.IGNORECASE) for pattern in INSTEAD}
_CODE = re.compile(r"`[^`]*`")
# A line break in a paragraph or in a comment.
_BREAK = re.compile(r"\s+(# )?")


def unused_words(text: str) -> list[str]:
    """Return the unused words in a text, and what to write instead; code in it is ignored."""
    plain = _BREAK.sub(" ", _CODE.sub("`", text))
    return [
        f"{found[0]}: write {INSTEAD[pattern]}"
        for pattern, expression in _UNUSED.items()
        for found in expression.finditer(plain)
    ]


def of_document(path: Path) -> Iterator[str]:
    """Yield the prose of a document."""
    yield without_blocks(path)


def of_module(path: Path) -> Iterator[str]:
    """Yield a module's strings, docstrings included, its comments, and the names it defines."""
    source = path.read_text()
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
    yield from (name.replace("_", " ") for name in sorted(_names(tree)))
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    yield "\n".join(token.string for token in tokens if token.type == tokenize.COMMENT)


def _names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def of_script(path: Path) -> Iterator[str]:
    """Yield a shell script with its comments, its messages and its names."""
    yield path.read_text().replace("_", " ")


def modules() -> list[Path]:
    """Return the program's modules, and the tests of its documents."""
    rooms = ("model", "ops", "components", "scripts", "tests/docs")
    found = [path for room in rooms for path in (TOP / room).rglob("*.py")]
    return sorted(path for path in found if path != Path(__file__))


def scripts() -> list[Path]:
    """Return the shell scripts and the manifests, which contain some."""
    return sorted([*(TOP / "scripts").rglob("*.sh"), *(TOP / "manifests").rglob("*.yaml")])
