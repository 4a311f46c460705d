"""A scalar config field: parsing, validation, error text and JSON schema in one place."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

# The error type of an invalid scalar; its context holds problem, allowed and example.
REFUSED = "refused"


@dataclass(frozen=True, eq=False)
class ScalarField:
    """A scalar value: its Python types, its pattern and an optional further check.

    `check` returns the value to use and raises ValueError with the problem. Every error states the
    expected form and a valid example; `hint` explains what is wrong with a text, if it can.
    """

    label: str
    allowed: str
    example: Any
    types: tuple[type, ...] = (str,)
    pattern: str | None = None
    check: Callable[[Any], Any] | None = None
    hint: Callable[[str], str] | None = None
    schema: Mapping[str, Any] = field(default_factory=dict)

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_wrap_validator_function(self._validate, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        pattern = {"pattern": f"^{self.pattern}$"} if self.pattern else {}
        return {**handler(schema), **pattern, **self.schema, "examples": [self.example]}

    def _validate(self, value: Any, handler: Callable[[Any], Any]) -> Any:
        try:
            if type(value) not in self.types:
                raise ValueError(self._mismatch(value))
            if self.pattern and not re.fullmatch(self.pattern, value):
                raise ValueError(self._mismatch(value))
            parsed = handler(value)
            return self.check(parsed) if self.check else parsed
        except ValidationError:
            raise self._refusal(self._mismatch(value)) from None
        except ValueError as error:
            raise self._refusal(str(error)) from None

    def _mismatch(self, value: Any) -> str:
        hint = self.hint(value) if self.hint and isinstance(value, str) else ""
        return f"not {self.label}" + (f": {hint}" if hint else "")

    def _refusal(self, problem: str) -> PydanticCustomError:
        context = {"problem": problem, "allowed": self.allowed, "example": self.example}
        return PydanticCustomError(REFUSED, "{problem}", context)


def one_of(label: str, names: Iterable[str], example: str) -> ScalarField:
    """A field whose value is one of the names of a registry."""
    known = sorted(names)

    def check(name: str) -> str:
        if name not in known:
            raise ValueError(f"unknown {label}")
        return name

    allowed = "one of " + ", ".join(known) if len(known) > 1 else known[0]
    return ScalarField(
        f"the name of a {label}", allowed, example, check=check, schema={"enum": known}
    )


def between(low: float, high: float) -> Callable[[float], float]:
    """Return a check that a number is in this range."""

    def check(number: float) -> float:
        if not low <= number <= high:
            raise ValueError(f"out of range {low:g} to {high:g}")
        return number

    return check


Flag = Annotated[bool, ScalarField("true or false", "true or false", True, (bool,))]
