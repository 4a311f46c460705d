"""Hosts that reach only a proxy, and registries with mirrors."""

from collections.abc import Iterator

import pytest

from components.providers.existing_host import ExistingHostProvider
from model import outbound
from model.artifacts.bundle import Bundle
from model.fleet import Artifacts
from model.outbound import Outbound
from tests.ops.hosts import proxy as proxies
from tests.ops.hosts.bare_hosts import BareHost, Lab
from tests.ops.hosts.bundles import VERSION, wanted
from tests.ops.hosts.mirror import Mirror
from tests.ops.hosts.proxy import Proxy
from tests.ops.hosts.steps import BUNDLE, StepResult, changes, condition, files_behind, prepare

pytestmark = [pytest.mark.root, pytest.mark.slow]
HOSTS = ExistingHostProvider()
INSIDE = "mirror.inside.example.com"
UPSTREAM = Artifacts("upstream", f"http://{INSIDE}")
UNIT = "etc/systemd/system/containerd.service.d/50-kubeadm-fleet-proxy.conf"
STARTED = "systemctl show --property=ExecMainStartTimestampMonotonic containerd"


@pytest.fixture
def proxy(lab: Lab, mirror: Mirror) -> Iterator[Proxy]:
    """The only way to the mirror under its name."""
    with proxies.serving(lab.gateway, INSIDE, mirror.url) as proxy:
        yield proxy


def prepare_behind(
    host: BareHost, outbound: Outbound, artifacts: Artifacts = UPSTREAM
) -> StepResult:
    """Prepare the host, which must succeed."""
    ran = prepare(host, files_behind(outbound, artifacts))
    assert ran.status == 0, ran.said
    return ran


def pull(host: BareHost, image: str) -> None:
    host.shell(f"ctr --namespace k8s.io images pull --hosts-dir /etc/containerd/certs.d {image}")


def test_all_downloads_use_the_proxy(host: BareHost, mirror: Mirror, proxy: Proxy) -> None:
    before = condition(host)
    outs = HOSTS.create(
        wanted(host, source="upstream", mirror=f"http://{INSIDE}", sums=mirror.sums)
    ).outs
    assert outs
    ran = prepare(host)
    assert ran.status == 1, "the name resolves only through the proxy"
    assert "fix the network, artifacts.mirror or proxy" in ran.said

    through = Outbound(http=proxy.url, no_proxy=("localhost", "127.0.0.0/8"))
    prepare_behind(host, through)
    assert f"/dl.k8s.io/release/{VERSION}/bin/linux/amd64/kubelet" in proxy.asked
    pause = host.shell("kubeadm config images list | grep pause").strip()
    pull(host, pause)
    assert any(path.startswith("/v2/pause/blobs/") for path in proxy.asked)

    began = host.shell(STARTED)
    assert "changed" not in prepare_behind(host, through).said
    assert host.shell(STARTED) == began

    prepare_behind(host, Outbound(https="http://198.51.100.1:3128", no_proxy=("100%.example.com",)))
    assert host.shell("systemctl show --property=Environment --value containerd").split() == [
        "https_proxy=http://198.51.100.1:3128",
        "no_proxy=100%.example.com",
    ]
    assert host.shell(STARTED) != began

    prepare_behind(host, Outbound())
    assert not (host.root / UNIT).parent.exists()
    environment = host.shell("tr '\\0' '\\n' </proc/$(pidof containerd)/environ")
    assert "proxy" not in environment

    prepare_behind(host, through)
    HOSTS.delete("", outs)
    assert changes(host, before) == {}


def test_images_are_pulled_from_the_mirrors_of_their_registries(
    host: BareHost, bundle: Bundle, mirror: Mirror
) -> None:
    outs = HOSTS.create(wanted(host)).outs
    assert outs
    both = Outbound(
        mirrors={
            "docker.example.com": outbound.Mirror(mirror.url),
            "quay.io": outbound.Mirror(mirror.url),
        }
    )
    prepare_behind(host, both, BUNDLE)
    image = bundle.named("pause").image
    assert image
    _, _, path = image.partition("/")
    pull(host, f"docker.example.com/{path}")
    assert any(asked.startswith("v2/pause/manifests/") for asked in mirror.asked)

    prepare_behind(host, Outbound(mirrors={"quay.io": outbound.Mirror(mirror.url)}), BUNDLE)
    folders = {each.name for each in (host.root / "etc/containerd/certs.d").iterdir()}
    assert folders == {"quay.io"}
