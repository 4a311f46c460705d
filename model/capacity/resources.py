"""Amounts of resources: of a Node, of a pod, of many of them.

CPU is in thousandths of a core, every other resource in the unit of its name: bytes, pods, devices.
https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/
"""

from collections.abc import Iterable, Mapping

from model.quantities import rounded_up

CPU, MEMORY, STORAGE, PODS = "cpu", "memory", "ephemeral-storage", "pods"
MILLI = 3

# By the name of the resource, as the API has it; one that is missing is 0.
Amounts = Mapping[str, int]


def amounts(quantities: Mapping[str, str]) -> dict[str, int]:
    """Return the amounts of a ResourceList of the API; ValueError for what is no quantity."""
    return {
        name: rounded_up(str(text), MILLI if name == CPU else 0)
        for name, text in quantities.items()
    }


def total(each: Iterable[Amounts]) -> dict[str, int]:
    """Return the sum of amounts."""
    found: dict[str, int] = {}
    for one in each:
        for name, amount in one.items():
            found[name] = found.get(name, 0) + amount
    return found


def greatest(each: Iterable[Amounts]) -> dict[str, int]:
    """Return the greatest amount of each resource."""
    found: dict[str, int] = {}
    for one in each:
        for name, amount in one.items():
            found[name] = max(found.get(name, 0), amount)
    return found


def minus(whole: Amounts, part: Amounts) -> dict[str, int]:
    """Return what is left of `whole`; negative where `part` has more."""
    return {name: whole.get(name, 0) - part.get(name, 0) for name in {**whole, **part}}


def lacking(needed: Amounts, free: Amounts) -> list[str]:
    """Return of which resources there is too little; nothing is needed of one that is 0."""
    return sorted(name for name, amount in needed.items() if amount > max(0, free.get(name, 0)))


def fits(needed: Amounts, free: Amounts) -> bool:
    """Whether there is enough of everything."""
    return all(not amount or amount <= free.get(name, 0) for name, amount in needed.items())
