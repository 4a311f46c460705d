"""Kubernetes quantities, such as 500m or 2Gi, compared by their value.

https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

import re
from decimal import ROUND_CEILING, Decimal
from functools import lru_cache

PATTERN = r"(\d{1,12}(\.\d{1,3})?)(m|k|[MGTPE]|[KMGTPE]i)?"
_DECIMAL = {"": 0, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}


def value_of(text: str) -> Decimal:
    """Return what a quantity stands for; ValueError if it is none."""
    parts = re.fullmatch(PATTERN, text)
    if parts is None:
        raise ValueError(f"not a quantity: {text!r}")
    number, unit = Decimal(parts[1]), parts[3] or ""
    if unit in _BINARY:
        return number * Decimal(2 ** _BINARY[unit])
    return number.scaleb(_DECIMAL[unit])


# What an API may send: also signs, exponents, and the n and u of usage. The digits are bounded,
# since what they stand for is computed.
_FROM_API = re.compile(
    r"\+?([0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30})(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?[0-9]{1,2}))?"
)
_SMALL = {"n": -9, "u": -6}


@lru_cache(maxsize=16384)
def rounded_up(text: str, digits: int = 0) -> int:
    """Return a quantity of the API in units of 10^-digits, rounded up as the scheduler does.

    Raises ValueError if it is none, or negative.
    """
    parts = _FROM_API.fullmatch(text)
    if parts is None:
        raise ValueError(f"not a quantity: {text[:40]!r}")
    number, unit, exponent = Decimal(parts[1]), parts[2] or "", int(parts[3] or 0)
    if unit in _BINARY:
        number *= Decimal(2 ** _BINARY[unit])
    else:
        exponent += (_DECIMAL | _SMALL)[unit]
    return int(number.scaleb(exponent + digits).to_integral_value(ROUND_CEILING))
