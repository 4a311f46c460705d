"""Label selectors: kubectl's text form, the API's LabelSelector, and which labels they match.

https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors

    selector    = [ requirement { "," requirement } ]
    requirement = KEY | "!" KEY | KEY ( "=" | "==" | "!=" ) VALUE
                | KEY ( "in" | "notin" ) "(" VALUE { "," VALUE } ")"

Whitespace separates and is otherwise ignored. A VALUE may be empty: `x=`, `x in (a,)`. `!=` and
`notin` match labels without the key. `in` and `notin` are operators behind a key only.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from model.api_objects import Object

# https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set
NAME_LENGTH = 63
PREFIX_LENGTH = 253
_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
_PREFIX = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_TOKEN = re.compile(r"[ \t\r\n]*(==|!=|[=!(),<>]|[^ \t\r\n=!(),<>]+|\Z)")
_ALLOWED = (
    f"1 to {NAME_LENGTH} letters, digits, -, _ and ., starting and ending with a letter or digit"
)
_SYMBOLS = ("==", "!=", *"=!(),<>")
_END = ""
_OPERATORS = {"=": "In", "==": "In", "!=": "NotIn", "in": "In", "notin": "NotIn"}


class SelectorError(ValueError):
    """Not a label selector; the message says where and why."""


@dataclass(frozen=True)
class Requirement:
    """A requirement on one key: `operator` is In, NotIn, Exists or DoesNotExist.

    `values` are sorted; In and NotIn have at least one, the others none. Raises SelectorError.
    """

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", tuple(sorted(set(self.values))))
        _check_key(self.key)
        for value in self.values:
            _check_value(self.key, value)
        if self.operator not in ("In", "NotIn", "Exists", "DoesNotExist"):
            raise SelectorError(
                f"unknown operator {_quoted(self.operator)} for key {_quoted(self.key)}"
            )
        if (self.operator in ("In", "NotIn")) != bool(self.values):
            needs = "takes no values" if self.values else "needs at least one value"
            raise SelectorError(f"{self.operator} {needs} (key {_quoted(self.key)})")

    def __str__(self) -> str:
        """Return the requirement as kubectl takes it."""
        if not self.values:
            return f"!{self.key}" if self.operator == "DoesNotExist" else self.key
        if len(self.values) == 1:
            return f"{self.key}{'=' if self.operator == 'In' else '!='}{self.values[0]}"
        return f"{self.key} {self.operator.lower()} ({','.join(self.values)})"

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Return whether the labels meet the requirement."""
        return meets(self.to_object(), labels)

    def to_object(self) -> dict[str, Any]:
        """Return the LabelSelectorRequirement of the API."""
        values = {"values": list(self.values)} if self.values else {}
        return {"key": self.key, "operator": self.operator, **values}


@dataclass(frozen=True)
class LabelSelector:
    """Requirements that labels must all meet; without any, it matches everything."""

    requirements: tuple[Requirement, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "LabelSelector":
        """Parse a selector as kubectl takes it; raise SelectorError."""
        return cls(tuple(_Parser(text).requirements()))

    @classmethod
    def from_object(cls, selector: Object) -> "LabelSelector":
        """Return a LabelSelector of the API; raise SelectorError if it is invalid."""
        equal = (
            Requirement(key, "In", (value,))
            for key, value in (selector.get("matchLabels") or {}).items()
        )
        others = (
            Requirement(item["key"], item["operator"], tuple(item.get("values") or ()))
            for item in selector.get("matchExpressions") or ()
        )
        return cls((*equal, *others))

    def to_object(self) -> dict[str, Any]:
        """Return the LabelSelector of the API."""
        return {"matchExpressions": [one.to_object() for one in self.requirements]}

    def __str__(self) -> str:
        """Return the selector as kubectl takes it."""
        return ",".join(map(str, self.requirements))

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Return whether the labels meet every requirement."""
        return all(requirement.matches(labels) for requirement in self.requirements)


def matches(selector: Object, labels: Mapping[str, str]) -> bool:
    """Return whether a LabelSelector of the API matches; an empty one matches everything."""
    wanted = selector.get("matchLabels", {})
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        meets(requirement, labels) for requirement in selector.get("matchExpressions", ())
    )


def meets(requirement: Object, labels: Mapping[str, str]) -> bool:
    """Return whether labels meet one requirement of a LabelSelector or a NodeSelector."""
    operator, values = requirement["operator"], requirement.get("values", ())
    value = labels.get(requirement["key"])
    if operator in ("Gt", "Lt"):
        return value is not None and _compares(operator, value, values[0])
    return {
        "In": value in values,
        "NotIn": value not in values,
        "Exists": value is not None,
        "DoesNotExist": value is None,
    }[str(operator)]


def _compares(operator: str, value: str, limit: str) -> bool:
    """Return whether both are integers and the label's satisfies the limit."""
    try:
        return int(value) > int(limit) if operator == "Gt" else int(value) < int(limit)
    except ValueError:
        return False


class _Parser:
    """The tokens of a selector's text, taken from left to right."""

    def __init__(self, text: str) -> None:
        self._tokens = [match[1] for match in _TOKEN.finditer(text)]

    def requirements(self) -> Iterator[Requirement]:
        if self._tokens[0] == _END:
            return
        yield self._requirement()
        while self._take("',' or the end", ",", _END) == ",":
            yield self._requirement()

    def _requirement(self) -> Requirement:
        absent = self._tokens[0] == "!"
        if absent:
            self._tokens.pop(0)
        key = self._word("a label key")
        if absent or self._tokens[0] in (",", _END):
            return Requirement(key, "DoesNotExist" if absent else "Exists")
        operator = self._take("one of =, ==, !=, in, notin", *_OPERATORS)
        if operator in ("in", "notin"):
            return Requirement(key, _OPERATORS[operator], tuple(self._values()))
        return Requirement(key, _OPERATORS[operator], (self._value(",", _END),))

    def _values(self) -> Iterator[str]:
        self._take("'('", "(")
        yield self._value(",", ")")
        while self._take("',' or ')'", ",", ")") == ",":
            yield self._value(",", ")")

    def _value(self, *behind: str) -> str:
        """Take a value; it is empty if the next token is one that may follow it."""
        return "" if self._tokens[0] in behind else self._word("a label value")

    def _word(self, expected: str) -> str:
        if self._tokens[0] in (*_SYMBOLS, _END):
            raise self._error(expected)
        return self._tokens.pop(0)

    def _take(self, expected: str, *tokens: str) -> str:
        if self._tokens[0] not in tokens:
            raise self._error(expected)
        return self._tokens.pop(0)

    def _error(self, expected: str) -> SelectorError:
        found = _quoted(self._tokens[0]) if self._tokens[0] else "the end"
        return SelectorError(f"expected {expected}, got {found}")


def _check_key(key: str) -> None:
    prefix, slash, name = key.rpartition("/")
    if len(name) > NAME_LENGTH or not _NAME.fullmatch(name):
        raise SelectorError(f"invalid label key {_quoted(key)}: its name must be {_ALLOWED}")
    if slash and (len(prefix) > PREFIX_LENGTH or not _PREFIX.fullmatch(prefix)):
        raise SelectorError(
            f"invalid label key {_quoted(key)}: what precedes the / must be a lower-case DNS name "
            f"of at most {PREFIX_LENGTH} characters"
        )


def _check_value(key: str, value: str) -> None:
    if len(value) > NAME_LENGTH or (value and not _NAME.fullmatch(value)):
        raise SelectorError(
            f"invalid value {_quoted(value)} of {key}: it must be empty or {_ALLOWED}"
        )


def _quoted(text: str) -> str:
    return repr(text if len(text) <= NAME_LENGTH else f"{text[:NAME_LENGTH]}...")
