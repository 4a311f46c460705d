"""The types of the Kubernetes API's objects and responses, as parsed from JSON or YAML."""

from collections.abc import Mapping
from typing import Any

# One that belongs to its holder, who may change it.
Json = dict[str, Any]
# One that is only read.
Object = Mapping[str, Any]
