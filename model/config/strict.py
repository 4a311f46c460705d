"""The base of every config object, and how its keys are inherited from the fleet's."""

from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic.alias_generators import to_camel


class Strict(BaseModel):
    """A config object: camelCase keys, no unknown keys, immutable.

    A cluster's keys override the fleet's individually.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, raw: Any) -> Any:
        """Leave out known keys without a value, unless null is a value of theirs."""
        if not isinstance(raw, dict):
            return raw
        unset = {
            info.alias
            for info in cls.model_fields.values()
            if not any(isinstance(mark, NullOverrides) for mark in info.metadata)
        }
        return {key: value for key, value in raw.items() if value is not None or key not in unset}


class Atomic(Strict):
    """An object that replaces another one entirely: it inherits no keys."""


class NullOverrides:
    """A mark of keys whose null means "none": elsewhere, a key without a value is not set."""
