"""The base of every config object."""

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Strict(BaseModel):
    """A config object: camelCase keys, no unknown keys, immutable."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)
