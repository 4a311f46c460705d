"""Kubernetes quantities, such as 500m or 2Gi, compared by their value.

https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

import re
from decimal import Decimal

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
