"""Every provider, called with unknown and missing inputs.

In a preview what is yet to be made is an Unknown; in an update that continues on errors what a
failed resource would have given is missing, at any depth.
"""

import importlib
import json
import pkgutil
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from pulumi.dynamic import DiffResult
from pulumi.output import UNKNOWN

from components import providers as resources
from components.providers.base import Provider
from components.providers.existing_host import OPTIONAL
from ops.errors import OperatorError
from tests.components.conftest import SSH_KEY, stack_config
from tests.components.graph import DYNAMIC, RecordedResource
from tests.components.recorder import run
from tests.model import snapshots
from tests.model.examples import changed

AnyProvider = Provider[Any, Any]
HAND_OFF = {"argocd": {"cluster": "cluster1", "role": "cluster-admin"}}
WAVES = {"canaries": {"region": "osaka"}, "soak": 60}
# Outputs that the recorder has no need to make up.
FURTHER: dict[str, dict[str, Any]] = {
    "ContainerMachine": {"artifacts_digest": "", "running": True},
    "ExistingHost": {"artifacts_digest": "", "facts": {"arch": "amd64"}, "condition": "ours"},
}
# What the config may leave out, and what is only there to be read in a preview.
DISPENSABLE = {
    "BridgeProvider": {"networks"},
    "ExistingHostProvider": {
        *OPTIONAL,
        *("endpoint_port", "host_key_check", "networks", "address", "swap", "own_resolver"),
    },
}
MISSING = object()
STATES = pytest.mark.parametrize("state", [MISSING, UNKNOWN], ids=["missing", "unknown"])


def providers() -> Iterator[type[AnyProvider]]:
    """Every provider of the program, found by itself."""
    for module in pkgutil.walk_packages(resources.__path__, f"{resources.__name__}."):
        importlib.import_module(module.name)
    for provider in Provider.__subclasses__():
        if provider.__module__.startswith(resources.__name__):
            yield provider


PROVIDERS = pytest.mark.parametrize(
    "provider", sorted(providers(), key=str), ids=lambda each: each.__name__
)


@pytest.fixture(scope="module")
def registered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, RecordedResource]:
    """One resource of each kind, as the program registers it."""
    file = tmp_path_factory.mktemp("snapshots") / "cluster1.db"
    snapshots.write(file)
    restore = ("clusters/cluster1/controlPlanes/restore", str(file))
    graphs = (
        run(changed(stack_config("dev"), restore, ("handOff", HAND_OFF))),
        run(changed(stack_config("prod"), ("upgrades", WAVES)), secrets={"sshPrivateKey": SSH_KEY}),
    )
    return {each.type.removeprefix(DYNAMIC): each for graph in graphs for each in graph}


@pytest.fixture(autouse=True)
def _no_machines(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of this host is looked at."""
    monkeypatch.setenv("KUBEADM_FLEET_MACHINES", str(tmp_path))


class Case:
    """A provider's own resource: its inputs, and what was recorded of it."""

    def __init__(
        self, provider: type[AnyProvider], registered: dict[str, RecordedResource]
    ) -> None:
        kind = provider.__name__.removesuffix("Provider")
        self.provider = provider()
        self.inputs = _without_none(registered[kind].inputs)
        outputs = _without_none(registered[kind].outputs)
        checked = self.provider.check({}, self.inputs).inputs
        self.olds = {**checked, **outputs, **FURTHER.get(kind, {})}

    @property
    def spots(self) -> list[tuple[str, ...]]:
        """Where an input stands: at the top, and in a mapping there."""
        nested = [(key, *inner) for key in self.inputs for inner in _keys(self.inputs[key])]
        return [*_keys(self.inputs), *nested]

    def ask(self, *states: tuple[tuple[str, ...], object]) -> DiffResult:
        """Check and diff as the engine does, with some inputs in another state."""
        news = json.loads(json.dumps(self.inputs))
        for (*path, key), state in states:
            within = news
            for each in path:
                within = within[each]
            if state is MISSING:
                del within[key]
            else:
                within[key] = state
        checked = self.provider.check(self.olds, news)
        assert not checked.failures
        return self.provider.diff("id", self.olds, checked.inputs)


def _keys(value: Any) -> list[tuple[str, ...]]:
    return [(key,) for key in value] if isinstance(value, dict) else []


def _without_none(props: dict[str, Any]) -> dict[str, Any]:
    return {
        key: _without_none(value) if isinstance(value, dict) else value
        for key, value in props.items()
        if value is not None
    }


@PROVIDERS
@STATES
def test_any_input_may_be_unknown_or_missing(
    registered: dict[str, RecordedResource], provider: type[AnyProvider], state: object
) -> None:
    case = Case(provider, registered)
    for spot in case.spots:
        try:
            found = case.ask((spot, state))
        except OperatorError:
            continue
        assert isinstance(found, DiffResult), spot


@PROVIDERS
def test_any_two_inputs_may_be_unknown_or_missing(
    registered: dict[str, RecordedResource], provider: type[AnyProvider]
) -> None:
    case = Case(provider, registered)
    for one, other in combinations(_keys(case.inputs), 2):
        for first, second in ((MISSING, MISSING), (MISSING, UNKNOWN), (UNKNOWN, MISSING)):
            try:
                found = case.ask((one, first), (other, second))
            except OperatorError:
                continue
            assert isinstance(found, DiffResult), (one, other)


@PROVIDERS
def test_a_missing_input_is_a_change_where_another_value_is_one_and_replaces_nothing(
    registered: dict[str, RecordedResource], provider: type[AnyProvider]
) -> None:
    case = Case(provider, registered)
    for spot in _keys(case.inputs):
        found = case.ask((spot, MISSING))
        assert not found.replaces, spot
        if _changes(case, spot):
            assert found.changes, spot


@PROVIDERS
def test_nothing_is_replaced_while_an_input_is_missing(
    registered: dict[str, RecordedResource], provider: type[AnyProvider]
) -> None:
    """The engine would delete what depends on it first, and then skip it."""
    case = Case(provider, registered)
    needed = case.inputs.keys() - DISPENSABLE.get(provider.__name__, set())
    for spot in _keys(case.inputs):
        if not case.ask((spot, UNKNOWN)).replaces:
            continue
        for other in needed - set(spot):
            assert not case.ask((spot, UNKNOWN), ((other,), MISSING)).replaces, (spot, other)


def _changes(case: Case, spot: tuple[str, ...]) -> bool:
    try:
        return bool(case.ask((spot, UNKNOWN)).changes)
    except OperatorError:
        return True
