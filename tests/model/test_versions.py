"""Kubernetes versions: parsing, rejection and comparison."""

import pytest

from model import pins, versions


@pytest.mark.parametrize("text", ["1.36.3", "v1.36.3"])
def test_both_spellings_are_the_same_version(text: str) -> None:
    assert versions.parse(text) == versions.KubernetesVersion(36, 3)
    assert str(versions.parse(text)) == "v1.36.3"


@pytest.mark.parametrize(
    "text", ["1.36", "v1", "", "1.36.3-rc.1", "1.36.03", "1.36.3 ", "2.36.3", "1.36.3.1", "latest"]
)
def test_an_incomplete_version_is_rejected(text: str) -> None:
    with pytest.raises(ValueError, match="not a full version number"):
        versions.parse(text)


@pytest.mark.parametrize("text", ["1.34.9", "1.38.0", "1.3.5"])
def test_unsupported_minor_versions_are_rejected(text: str) -> None:
    with pytest.raises(ValueError, match="is not supported"):
        versions.parse(text)


def test_every_supported_minor_version_is_parsed() -> None:
    for minor in pins.KUBERNETES_MINORS:
        assert versions.parse(f"1.{minor}.0").minor == minor


def test_versions_compare_as_numbers() -> None:
    assert versions.parse("1.35.10") > versions.parse("1.35.9")
    assert versions.parse("1.36.0") > versions.parse("1.35.10")


@pytest.mark.parametrize(
    ("recorded", "wanted"),
    [("v1.36.3", "v1.36.3"), ("v1.36.3", "v1.36.9"), ("v1.36.3", "v1.37.0"), ("v1.34.9", "1.35.0")],
)
def test_a_patch_or_one_minor_up_is_an_upgrade(recorded: str, wanted: str) -> None:
    assert versions.skew_error(recorded, wanted) is None


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
    assert says in (versions.skew_error(recorded, wanted) or "")


def test_a_build_suffix_is_not_a_version_change(recorded: str = "v1.36.3+k3s1") -> None:
    assert versions.skew_error(recorded, "v1.36.3") is None
    with pytest.raises(ValueError, match="not a Kubernetes version"):
        versions.skew_error("latest", "v1.36.3")


def test_the_default_is_supported() -> None:
    assert str(versions.parse(pins.KUBERNETES)) == pins.KUBERNETES
