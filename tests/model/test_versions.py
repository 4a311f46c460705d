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


def test_the_default_is_supported() -> None:
    assert str(versions.parse(pins.KUBERNETES)) == pins.KUBERNETES
