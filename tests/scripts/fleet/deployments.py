"""States of a stack of two clusters."""

import json
from collections.abc import Mapping
from typing import Any

from ops.pulumi.deployment import DYNAMIC, STACK, Deployment


def deployed(resources: Mapping[str, tuple[str, Any]]) -> Deployment:
    """A state with these resources of two clusters, each a kind and its outputs."""
    found = [
        {"type": STACK, "urn": "a::stack", "outputs": {"clusters": {"one": {}, "two": {}}}},
        *(
            {"type": f"{DYNAMIC}{kind}", "urn": f"a::{name}", "outputs": outputs}
            for name, (kind, outputs) in resources.items()
        ),
    ]
    return Deployment(json.dumps({"deployment": {"resources": found}}))
