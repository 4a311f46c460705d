"""kubectl's label selectors, against an oracle: Kubernetes' rules, written again as patterns."""

import random
import re
from collections.abc import Iterator, Mapping
from itertools import product

import pytest

from model.selectors import LabelSelector, Requirement, SelectorError, matches

DNS = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
NAME = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
KEY = rf"({DNS}(\.{DNS})*/)?{NAME}"
VALUE = rf"({NAME})?"
SPACE = r"[ \t\r\n]*"
EQUALITY = rf"{KEY}{SPACE}(==|=|!=){SPACE}{VALUE}"
LIST = rf"\({SPACE}{VALUE}({SPACE},{SPACE}{VALUE})*{SPACE}\)"
SET = rf"{KEY}[ \t\r\n]+(in|notin){SPACE}{LIST}"
REQUIREMENT = rf"{SPACE}({EQUALITY}|{SET}|!?{SPACE}{KEY}){SPACE}"
SELECTOR = re.compile(rf"({REQUIREMENT}(,{REQUIREMENT})*|{SPACE})")

KEYS = ("k", "x.y/k", "in")
VALUES = ("", "a", "b", "in")
# Every combination of up to three keys, each absent or with one of the values.
LABELS = [
    {
        key: value
        for key, value in zip(("k", "x.y/k", "in"), values, strict=True)
        if value is not None
    }
    for values in product((None, *VALUES), repeat=3)
]


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("", ""),
        (" ", ""),
        ("a=b,c!=d,e in (f,g),h notin (i),j,!k", "a=b,c!=d,e in (f,g),h!=i,j,!k"),
        ("a==b", "a=b"),
        ("x=", "x="),
        ("x!=", "x!="),
        ("x= ,y", "x=,y"),
        ("x in ()", "x="),
        ("x in (,)", "x="),
        ("x in (b,,a)", "x in (,a,b)"),
        ("x in (a,a)", "x=a"),
        ("x notin(b,a)", "x notin (a,b)"),
        (" ! x ", "!x"),
        ("a=b,a=c", "a=b,a=c"),
        ("in in (in,notin)", "in in (in,notin)"),
        ("!in", "!in"),
        ("example.com/tier=web_1.0", "example.com/tier=web_1.0"),
    ],
)
def test_text_is_parsed_and_written_as_kubectl_does(text: str, canonical: str) -> None:
    assert str(LabelSelector.parse(text)) == canonical


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a===b", "expected a label value, got '='"),
        ("a!==b", "expected a label value, got '='"),
        ("a=b=c", "expected ',' or the end, got '='"),
        ("!!a", "expected a label key, got '!'"),
        ("!a=b", "expected ',' or the end, got '='"),
        ("a b", "expected one of =, ==, !=, in, notin, got 'b'"),
        ("a>1", "expected one of =, ==, !=, in, notin, got '>'"),
        ("a in b", "expected '(', got 'b'"),
        ("a in (b", "expected ',' or ')', got the end"),
        ("a in (b c)", "expected ',' or ')', got 'c'"),
        ("a in in (b)", "expected '(', got 'in'"),
        ("a,", "expected a label key, got the end"),
        (",a", "expected a label key, got ','"),
        ("=b", "expected a label key, got '='"),
        ("-a=b", "invalid label key '-a'"),
        ("a/b/c", "invalid label key 'a/b/c'"),
        ("A.b/c", "must be a lower-case DNS name"),
        ("/a", "must be a lower-case DNS name"),
        ("a/", "its name must be 1 to 63"),
        ("a=-b", "invalid value '-b' of a"),
        ("a in (b,c/d)", "invalid value 'c/d' of a"),
        (f"a={'b' * 64}", "1 to 63 letters"),
        (f"{'a' * 64}", "1 to 63 letters"),
        (f"{'a.' * 126}ab/c", "at most 253 characters"),
    ],
)
def test_invalid_text_is_refused_with_what_is_expected(text: str, says: str) -> None:
    with pytest.raises(SelectorError, match=re.escape(says)):
        LabelSelector.parse(text)


@pytest.mark.parametrize("text", ["a" * 63, "b=" + "a" * 63, f"{'a.' * 126}a/c"])
def test_longest_keys_and_values_are_taken(text: str) -> None:
    assert str(LabelSelector.parse(text)) == text


def odd_texts() -> Iterator[str]:
    """Yield texts of every kind of token, and texts that are nearly valid."""
    chance = random.Random(1)
    pieces = ("a", "x.y/k", "in", "notin", "-", *("!", "=", "==", "!=", "(", ")"), *", , \t>")
    for _ in range(4000):
        yield "".join(chance.choice(pieces) for _ in range(chance.randint(1, 8)))
    for _ in range(4000):
        text = str(any_selector(chance))
        at = chance.randrange(len(text) + 1)
        yield text[:at] + chance.choice(("", *pieces)) + text[at + chance.randint(0, 1) :]


def any_selector(chance: random.Random) -> LabelSelector:
    """Return a valid selector of up to three requirements."""
    operators = ("In", "NotIn", "Exists", "DoesNotExist")
    found = []
    for _ in range(chance.randint(0, 3)):
        operator = chance.choice(operators)
        values = chance.choices(VALUES, k=chance.randint(1, 3)) if operator.endswith("In") else ()
        found.append(Requirement(chance.choice(KEYS), operator, tuple(values)))
    return LabelSelector(tuple(found))


def test_what_is_a_selector_agrees_with_the_oracle() -> None:
    valid = 0
    for text in odd_texts():
        expected = SELECTOR.fullmatch(text) is not None
        try:
            LabelSelector.parse(text)
            taken = True
        except SelectorError:
            taken = False
        assert taken == expected, text
        valid += expected
    assert 1000 < valid < 7000


def met(requirement: Requirement, labels: Mapping[str, str]) -> bool:
    """The rules of the documentation: absent keys match != and notin, and nothing else but !."""
    key, values = requirement.key, requirement.values
    if key not in labels:
        return requirement.operator in ("NotIn", "DoesNotExist")
    return {
        "In": labels[key] in values,
        "NotIn": labels[key] not in values,
        "Exists": True,
        "DoesNotExist": False,
    }[requirement.operator]


def test_every_form_of_a_selector_matches_the_same_labels() -> None:
    chance = random.Random(2)
    for _ in range(500):
        selector = any_selector(chance)
        assert LabelSelector.parse(str(selector)) == selector
        assert LabelSelector.from_object(selector.to_object()) == selector
        for labels in chance.choices(LABELS, k=20):
            expected = all(met(requirement, labels) for requirement in selector.requirements)
            assert selector.matches(labels) == expected, (str(selector), labels)
            assert matches(selector.to_object(), labels) == expected


@pytest.mark.parametrize(
    ("text", "labels", "expected"),
    [
        ("tier!=web", {}, True),
        ("tier notin (web,db)", {"region": "tokyo"}, True),
        ("tier=", {}, False),
        ("tier=", {"tier": ""}, True),
        ("tier in (,web)", {"tier": ""}, True),
        ("!tier", {"tier": ""}, False),
        ("tier", {"tier": ""}, True),
        ("tier=web,tier=db", {"tier": "web"}, False),
        ("", {}, True),
    ],
)
def test_surprising_matches(text: str, labels: dict[str, str], expected: bool) -> None:
    assert LabelSelector.parse(text).matches(labels) is expected


def test_labels_of_the_api_are_equalities() -> None:
    selector = {
        "matchLabels": {"a": "b"},
        "matchExpressions": [{"key": "c", "operator": "Exists"}],
    }
    assert str(LabelSelector.from_object(selector)) == "a=b,c"


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ({"key": "a", "operator": "In"}, "In needs at least one value (key 'a')"),
        ({"key": "a", "operator": "Exists", "values": ["b"]}, "Exists takes no values (key 'a')"),
        ({"key": "a", "operator": "Gt", "values": ["1"]}, "unknown operator 'Gt' for key 'a'"),
        ({"key": "a b", "operator": "Exists"}, "invalid label key 'a b'"),
    ],
)
def test_invalid_expressions_of_the_api_are_refused(
    expression: dict[str, object], says: str
) -> None:
    with pytest.raises(SelectorError, match=re.escape(says)):
        LabelSelector.from_object({"matchExpressions": [expression]})
