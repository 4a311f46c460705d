"""Arbitrary configs are parsed or rejected, and never crash the parser."""

from collections.abc import Iterator
from typing import Any

import pytest

from model.config.errors import ConfigError
from model.fleet import Fleet
from model.load import load
from tests.model.examples import ABSENT, CONTAINER, EXISTING, SETTINGS, changed

ODD: list[Any] = [
    ABSENT, None, True, 0, -1, 2, 10**30, 0.5, float("nan"), float("inf"), "", " ", "0", "2Gi", "ü",
    "1.36.3", "a:6443", "a:99999999", ":", "1.2.3.4", "999.1.1.1", "10.0.0.0/8", "0.0.0.0/0",
    "192.168.1.0/31", "10.96.0.0/12", "\x00", "x" * 5000, "ssh-ed25519 AAAA", [], [None], [[]], {},
    {"a": 1}, {"": {}}, {"hosts": [{}]}, [{"address": "1.2.3.4"}], b"bytes",
]  # fmt: skip


VIRTUAL = changed(CONTAINER, ("clusters/cluster1/endpoint", {"vip": "10.89.1.100:8443"}))


def places(value: Any, above: str = "") -> Iterator[str]:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, below in items:
        if "/" in str(key):
            continue
        path = f"{above}/{key}".lstrip("/")
        yield path
        if isinstance(below, dict | list):
            yield from places(below, path)


CONFIGS = {
    "container": CONTAINER,
    "existing": EXISTING,
    "virtual": VIRTUAL,
    "settings": SETTINGS,
}
CASES = [(name, path) for name, config in CONFIGS.items() for path in places(config)]


@pytest.mark.parametrize(("name", "path"), CASES, ids=[" ".join(case) for case in CASES])
def test_odd_values_are_parsed_or_rejected(name: str, path: str) -> None:
    config = CONFIGS[name]
    for value in ODD:
        if value is ABSENT and path.rpartition("/")[2].isdigit():
            continue
        try:
            fleet = load(changed(config, (path, value)))
        except ConfigError as error:
            assert error.problems
            assert len(set(error.problems)) == len(error.problems)
            assert all(len(line) < 400 for line in str(error).splitlines())
        else:
            assert isinstance(fleet, Fleet)
            assert all(cluster.control_planes for cluster in fleet.clusters)
