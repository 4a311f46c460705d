"""The base classes and shared conventions of all dynamic providers and their resources.

A resource takes Pulumi's `(name, args, opts)`. Its inputs are declared twice: as a dataclass of
arguments, whose values may be outputs of other resources, and as a TypedDict, which is what the
provider gets. A second TypedDict adds the outputs: the resource's state. The engine's untyped dicts
end in `Provider`. TypedDicts are what the engine sends, so nothing is converted, and a comparison
reads only what it needs; numbers may arrive as floats.

Providers are pickled by reference (their module and class name), so state holds no code. They
capture nothing, and therefore are not secret themselves. An error that the operator can act on is
raised as `OperatorError` and shown as its message alone; any other exception keeps its traceback,
since it is a defect of this program.

The engine processes many resources concurrently, each in its own thread: a provider, and the code
it calls, changes no process-wide state (working directory, umask, signals, environment) and keeps
nothing between calls, except for what it is given for this run alone (`given`).

Not every input is known when the engine asks. In a preview, and when the engine works out what the
replacement of another resource entails, an input that is still to be computed is an `Unknown`,
which equals nothing. In an update that continues on errors, an input that comes from a failed
resource is missing; the engine still asks for a diff, and then skips the step. Therefore
`_check` and `_diff` get their new inputs as `Inputs`: a diff that needs a missing input reports a
change. It never reports a replacement, for which the engine would delete dependents before it skips
the step.
"""

import inspect
import json
import sys
import traceback
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Generic, TypeVar, cast
from uuid import uuid4

import pulumi
from pulumi.dynamic import (
    CheckResult,
    CreateResult,
    DiffResult,
    ReadResult,
    Resource,
    ResourceProvider,
    UpdateResult,
)
from pulumi.runtime.rpc import contains_unknowns

from components.providers.engine_log import record_failed_deletion
from ops.errors import OperatorError

InputsT = TypeVar("InputsT", bound=Mapping[str, object])
StateT = TypeVar("StateT", bound=Mapping[str, object])


# What the engine's plugin adds to the inputs of every resource.
PROVIDER_KEY = "__provider"
_GIVEN: dict[str, dict[str, Any]] = {}


class NotKnown(Exception):
    """A required input is missing or unknown."""


class Inputs(dict[str, Any]):
    """New inputs, at every depth: reading a missing one raises NotKnown."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        super().__init__(
            {
                key: Inputs(value) if isinstance(value, dict) else value
                for key, value in given.items()
            }
        )

    def __missing__(self, key: str) -> Any:
        raise NotKnown(key)


def require_present(inputs: Mapping[str, object], keys: Iterable[str]) -> None:
    """Raise NotKnown unless all these inputs are present; call it before requesting replacement."""
    for key in keys:
        inputs[key]


def require_known(inputs: Mapping[str, object], keys: Iterable[str]) -> None:
    """Raise NotKnown unless all these inputs are present and contain nothing unknown."""
    for key in keys:
        if contains_unknowns(inputs[key]):
            raise NotKnown(key)


def changed(
    olds: Mapping[str, object], news: Mapping[str, object], keys: Iterable[str]
) -> list[str]:
    """Return those keys whose values differ."""
    return [key for key in keys if olds[key] != news[key]]


class Provider(ResourceProvider, Generic[InputsT, StateT]):
    """A dynamic provider with typed inputs and state.

    The engine calls the public methods; a subclass overrides those that begin with an underscore.

    The inputs in `given` are for create and update alone, and never in the state: check, with which
    the engine begins every registration, keeps them in this process, which serves the whole run.
    One that comes from a failed resource is missing: then nothing is known of the others either.
    """

    serialize_as_secret_always: bool = False
    given: ClassVar[tuple[str, ...]] = ()

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Return the inputs to use; inputs that cannot be checked yet stay as they are."""
        given = {key: news[key] for key in self.given if key in news}
        if len(given) < len(self.given):
            return CheckResult({}, [])
        inputs = {key: value for key, value in news.items() if key not in given}
        try:
            checked = dict(self._check(cast(InputsT, olds), cast(InputsT, Inputs(inputs))))
        except NotKnown:
            checked = inputs
        if given:
            _GIVEN[self._key(checked)] = given
        return CheckResult(checked, [])

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Compare the state with the new inputs; a missing one that is needed is a change."""
        try:
            return self._diff(cast(StateT, olds), cast(InputsT, Inputs(news)))
        except NotKnown:
            return DiffResult(changes=True)

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Create the resource."""
        state = self._create(cast(InputsT, self._with_given(props)))
        return CreateResult(id_=self._id(state), outs=self._without_given(state))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Return the resource's actual state; no outputs if it is gone."""
        state = self._read(cast(StateT, props))
        return ReadResult(outs={}) if state is None else ReadResult(id_=id_, outs=dict(state))

    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Update the resource in place."""
        state = self._update(cast(StateT, olds), cast(InputsT, self._with_given(news)))
        return UpdateResult(outs=self._without_given(state))

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        """Delete the resource; a failure may be one that the program has to know of."""
        try:
            self._delete(cast(StateT, props))
        except Exception:
            record_failed_deletion()
            raise

    def _with_given(self, checked: dict[str, Any]) -> dict[str, Any]:
        return {**checked, **_GIVEN.get(self._key(checked), {})} if self.given else checked

    def _without_given(self, state: Mapping[str, object]) -> dict[str, Any]:
        return {key: value for key, value in state.items() if key not in self.given}

    def _key(self, checked: Mapping[str, object]) -> str:
        """Return what identifies a resource in this run: the inputs that check returned."""
        own = {key: value for key, value in checked.items() if key != PROVIDER_KEY}
        return json.dumps([type(self).__name__, own], sort_keys=True, default=str)

    def _check(self, _olds: InputsT, news: InputsT) -> InputsT:
        """Return the inputs to use; without previous inputs, `_olds` is empty."""
        return news

    def _diff(self, _olds: StateT, _news: InputsT) -> DiffResult:
        """Report no change: a resource without its own diff is created once.

        Pulumi's default leaves the diff to the engine, which also compares the location of the
        provider's code.
        """
        return DiffResult(changes=False)

    def _create(self, inputs: InputsT) -> StateT:
        raise NotImplementedError(f"{type(self).__name__} has no create")

    def _id(self, _state: StateT) -> str:
        """Return a new resource's ID."""
        return uuid4().hex

    def _read(self, state: StateT) -> StateT | None:
        """Return the actual state; None if the resource is gone."""
        return state

    def _update(self, _olds: StateT, _news: InputsT) -> StateT:
        """Refuse: a resource without its own update can only be replaced.

        Pulumi's default drops all outputs, including key material.
        """
        raise NotImplementedError(f"{type(self).__name__} has no update")

    def _delete(self, _state: StateT) -> None:
        """Do nothing: a resource without its own delete ends with its state."""


class ProvidedResource(Resource):
    """A resource of a dynamic provider.

    Its inputs are the fields of `args`, and `further` ones; its outputs are the class's own
    annotations.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # Pulumi converts outputs to their annotated types, and does not know TypedDict.
        names = inspect.get_annotations(cls)
        cls.__annotations__ = dict.fromkeys(names, pulumi.Output[Any])

    def __init__(
        self,
        provider: Provider[Any, Any],
        name: str,
        args: object,
        opts: pulumi.ResourceOptions | None,
        **further: pulumi.Input[Any],
    ) -> None:
        outputs = dict.fromkeys(inspect.get_annotations(type(self)))
        super().__init__(provider, name, {**outputs, **vars(args), **further}, opts)


def _format_exc(limit: int | None = None, chain: bool = True) -> str:
    """Format this thread's current exception: an operator error as its message alone.

    Pulumi's plugin sends `traceback.format_exc()` to the engine. Setting `sys.tracebacklimit` would
    also affect concurrent failures in other threads.
    """
    error = sys.exc_info()[1]
    return str(error) if isinstance(error, OperatorError) else _FORMAT_EXC(limit, chain)


_FORMAT_EXC = traceback.format_exc
traceback.format_exc = _format_exc
