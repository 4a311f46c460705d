"""The base of the documents that `fleet` prints for other programs: their keys are camelCase."""

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class ReportEntry(BaseModel):
    """An object of a document."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)


class MachineEntry(ReportEntry):
    """An object about a machine."""

    cluster: str = Field(description="The cluster.")
    node: str = Field(description="The machine, or empty: on the host where `fleet` ran.")


class Unreadable(MachineEntry):
    """A machine or a file that could not be read: what is on it is not known."""

    reason: str = Field(description="Why.")
