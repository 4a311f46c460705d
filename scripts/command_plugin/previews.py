"""A resource's state as far as a preview can know it."""

from collections.abc import Mapping

from scripts.command_plugin.resources import Resource
from scripts.command_plugin.values import UNKNOWN, Properties, Value, is_unknown


def created(resource: Resource, inputs: Properties) -> Properties:
    """Return the state that a create will produce: results of running something are unknown."""
    always = {field.name for field in resource.state if field.required}
    return {**inputs, **{name: UNKNOWN for name in resource.derived if name in always}}


def updated(resource: Resource, old: Mapping[str, Value], inputs: Properties) -> Properties:
    """Return the state that an update will produce.

    Results of running something are unknown as soon as an input is unknown or differs from the old
    one. A new input does not count, as with the official plugin.
    """
    unsure = any(
        is_unknown(inputs.get(field.name))
        or (field.name in old and inputs.get(field.name) != old[field.name])
        for field in resource.inputs
    )
    kept = {name: old[name] for name in resource.derived if name in old}
    state = {**kept, **inputs}
    if unsure:
        state.update({name: UNKNOWN for name in resource.derived if name in state})
    return state
