"""Quantities that an API sends."""

import pytest

from model.quantities import rounded_up


@pytest.mark.parametrize(
    ("text", "digits", "value"),
    [
        ("100m", 3, 100), ("1", 3, 1000), ("0.5", 3, 500), (".5", 3, 500), ("2.", 0, 2),
        ("1234567n", 3, 2), ("999u", 3, 1), ("0", 3, 0), ("+1", 0, 1),
        ("1Ki", 0, 1024), ("1.5Gi", 0, 1610612736), ("1k", 0, 1000), ("128974848", 0, 128974848),
        ("1e3", 0, 1000), ("12E6", 0, 12000000), ("12E", 0, 12 * 10**18), ("1e-3", 3, 1),
        ("100m", 0, 1),
    ],
)  # fmt: skip
def test_values(text: str, digits: int, value: int) -> None:
    assert rounded_up(text, digits) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "-1",
        "1 Gi",
        "1gi",
        "1e999999999",
        "9" * 31,
        "\N{ARABIC-INDIC DIGIT ONE}",
        "1\n",
        "1Kim",
        "nan",
    ],
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="not a quantity"):
        rounded_up(text)
