"""A stack file is read as the engine reads it, or rejected."""

import pytest
import yaml

from ops.pulumi import stack_yaml

# Compared with `pulumi config get --path` of Pulumi 3.250.
AS_THE_ENGINE = """
keys: {on: 1, off: 2, yes: 3, no: 4, 1: 5, true: 6, 0o: 7, "": 8, "010": 9, '1e3': 10}
text: [on, off, yes, no, y, n, 12:30:45, 0o, "010", 10.0.0.1, 2026-01, "~"]
numbers: [1.10, 1_000, 1e3, 0x1F, 0b11, +5, 3.0, .5, 0, 12345678901234567890]
others: [True, TRUE, false, ~, null]
base: &base {x: 1, y: 2}
merged: {<<: *base, y: 3}
twice: {<<: [*base, {x: 5, z: 1}], y: *base}
empty:
"""


def test_values_are_those_of_the_engine() -> None:
    assert stack_yaml.read(AS_THE_ENGINE) == {
        "keys": {
            "on": 1, "off": 2, "yes": 3, "no": 4, "1": 5, "true": 6, "0o": 7, "": 8, "010": 9,
            "1e3": 10,
        },
        "text": [
            "on", "off", "yes", "no", "y", "n", "12:30:45", "0o", "010", "10.0.0.1", "2026-01", "~",
        ],
        "numbers": [1.1, 1000, 1000, 31, 3, 5, 3, 0.5, 0, 12345678901234567890],
        "others": [True, True, False, None, None],
        "base": {"x": 1, "y": 2},
        "merged": {"x": 1, "y": 3},
        "twice": {"x": 1, "y": {"x": 1, "y": 2}, "z": 1},
        "empty": None,
    }  # fmt: skip
    numbers = stack_yaml.read(AS_THE_ENGINE)["numbers"]
    assert [type(number) for number in numbers].count(float) == 2
    assert stack_yaml.read("# nothing") is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("hosts: {010: x}", '010 is read as a number: quote it ("010")'),
        ("hosts:\n  a: x\n  0x1f: x", "line 3: 0x1f is read as a number"),
        ("{1e3: x}", "1e3 is read as a number"),
        ("{1.10: x}", "1.10 is read as a number"),
        ("{1_0: x}", "1_0 is read as a number"),
        ("{2026-01-01: x}", "2026-01-01 is read as a time"),
        ("[2026-01-01]", "2026-01-01 is read as a time"),
        ("{True: x}", "True is read as true or false"),
        ("{~: x}", "~ is read as no value"),
        ("{? : x}", "nothing is read as no value"),
        ("count: 010", '010 is read as another number: quote it ("010"), or leave out the zero'),
        ("count: 08", "08 is read as another number"),
        ("a: {x: 1, x: 2}", "the key x is there twice"),
        ("a: {1: 1, '1': 2}", "the key 1 is there twice"),
        ("{[a]: 1}", "a key that is not text"),
        ("{", "while parsing"),
    ],
)
def test_what_is_not_read_as_it_is_written_is_rejected(text: str, says: str) -> None:
    with pytest.raises(yaml.YAMLError) as raised:
        stack_yaml.read(text)
    assert says in str(raised.value)


def test_every_problem_is_reported_once() -> None:
    with pytest.raises(yaml.YAMLError) as raised:
        stack_yaml.read("a: &a [010]\nb: *a\nc: {~: 1}")
    assert str(raised.value).count("is read as") == 2
