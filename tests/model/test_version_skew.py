"""Which changes of a cluster's version are possible."""

import pytest

from model import version_skew


@pytest.mark.parametrize(
    ("recorded", "wanted"),
    [("v1.36.3", "v1.36.3"), ("v1.36.3", "v1.36.9"), ("v1.36.3", "v1.37.0"), ("v1.34.9", "1.35.0")],
)
def test_a_patch_or_one_minor_up_is_an_upgrade(recorded: str, wanted: str) -> None:
    assert version_skew.problem(recorded, wanted) is None


@pytest.mark.parametrize(
    ("recorded", "wanted", "says"),
    [
        ("v1.37.2", "v1.36.3", "v1.36.3 is older than v1.37.2"),
        ("v1.36.3", "v1.36.2", "v1.36.2 is older than v1.36.3"),
        ("v1.35.4", "v1.37.2", "upgrade to 1.36 first"),
        ("v1.34.1", "v1.37.2", "upgrade to 1.35, 1.36 first"),
    ],
)
def test_other_version_changes_are_rejected_with_the_alternative(
    recorded: str, wanted: str, says: str
) -> None:
    assert says in (version_skew.problem(recorded, wanted) or "")


def test_a_build_suffix_is_not_a_version_change(recorded: str = "v1.36.3+k3s1") -> None:
    assert version_skew.problem(recorded, "v1.36.3") is None
    with pytest.raises(ValueError, match="not a Kubernetes version"):
        version_skew.problem("latest", "v1.36.3")
