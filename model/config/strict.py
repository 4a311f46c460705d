"""The base of every config object, and how its keys are inherited from the fleet's."""

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Strict(BaseModel):
    """A config object: camelCase keys, no unknown keys, immutable.

    A cluster's keys override the fleet's one by one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)


class Atomic(Strict):
    """An object that replaces another one entirely: it inherits no keys."""


class NullOverrides:
    """A mark of keys whose null means "none": elsewhere, a key without a value is not set."""
