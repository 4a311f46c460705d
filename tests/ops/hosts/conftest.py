"""Bare hosts, and the requirements of a fleet."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components.providers.existing_host import ExistingHostProvider
from model.artifacts.bundle import Bundle
from scripts.bench.subnet import subnet
from tests.ops.hosts import mirror as mirrors
from tests.ops.hosts.bare_hosts import BareHost, Lab
from tests.ops.hosts.bundles import VERSION, make_bundle, make_light_bundle, wanted
from tests.ops.hosts.mirror import Mirror
from tests.tmp_machines import workshop


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """A bridge for machines, of which nothing is left after the test."""
    with workshop() as folder, subnet(87) as own:
        monkeypatch.setenv("KUBEADM_FLEET_MACHINES", str(folder))
        with Lab(own) as lab:
            yield lab


@pytest.fixture
def host(lab: Lab) -> BareHost:
    """One bare host."""
    return lab.boot("host-0", 11)


@pytest.fixture
def bundle(tmp_path: Path, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Bundle:
    """The real bundle's binaries, without most of its images."""
    light = make_light_bundle(tmp_path / "bundle")
    monkeypatch.setattr("model.paths.bundle_dir", lambda *_: light.folder)
    return light


@pytest.fixture
def mirror(lab: Lab) -> Iterator[Mirror]:
    """A mirror on the host's end of the bridge."""
    with mirrors.serving(lab.gateway, VERSION) as mirror:
        yield mirror


@pytest.fixture
def impatient(tmp_path: Path, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bundle of the test's own, and no patience with silent hosts."""
    monkeypatch.setattr("model.paths.bundle_dir", lambda *_: tmp_path / "bundle")
    monkeypatch.setattr("components.providers.existing_host.PATIENCE_SECONDS", 0)
    monkeypatch.setattr("ops.hosts.ssh.DIAL_SECONDS", 2)
    make_bundle()


@pytest.fixture
def enrolled(impatient: None, host: BareHost) -> dict[str, Any]:
    """The state of an enrolled host."""
    outs = ExistingHostProvider().create(wanted(host)).outs
    assert outs
    return outs
