"""A mapping with open-ended keys, and the validation of its entries."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema

from model.config.field import REFUSED


@dataclass(frozen=True)
class Violation:
    """A problem of an entry; `example` is a complete line, key included."""

    problem: str
    allowed: str
    example: str


@dataclass(frozen=True, eq=False)
class OpenMapping:
    """Validation of a mapping's entries; each invalid one is reported at its own path.

    `check` takes a key and a value and returns a violation, if there is one. `schema` is the JSON
    schema for editors.
    """

    check: Callable[[str, Any], Violation | None]
    schema: Mapping[str, Any]

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._validate, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(schema), **self.schema}

    def _validate(self, entries: dict[str, Any]) -> dict[str, Any]:
        wrong = [
            InitErrorDetails(
                type=PydanticCustomError(REFUSED, "{problem}", {**vars(said), "entry": True}),
                loc=(key,),
                input=value,
            )
            for key, value in entries.items()
            if (said := self.check(key, value)) is not None
        ]
        if wrong:
            # pydantic merges these with its other errors, each below this mapping's path.
            raise ValidationError.from_exception_data("entries", wrong)
        return entries
