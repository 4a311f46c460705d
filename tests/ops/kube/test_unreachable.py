"""Why a cluster could not be read."""

import pytest

from ops.kube import unreachable
from ops.kube.errors import Unavailable


@pytest.mark.parametrize(
    ("cause", "shown"),
    [
        (
            "NameResolutionError(\"HTTPSConnection(host='c1', port=6443): Failed to resolve 'c1' "
            '([Errno -2] Name or service not known)")',
            "unreachable: Name or service not known: see",
        ),
        (
            "Failed to establish a new connection: [Errno 113] No route to host",
            "unreachable: No route to host: see",
        ),
        ("Read timed out. (read timeout=1)", "Read timed out. (read timeout=1): see"),
    ],
)
def test_the_last_cause_is_shown(cause: str, shown: str) -> None:
    found = unreachable.condition("one", Unavailable(None, cause))
    assert shown in found.message
