"""Replacing an enrolled host: both hosts are surveyed before the former gives anything up."""

from typing import Any
from unittest import mock

import pytest

from components.providers.existing_host import ExistingHostProvider
from ops.current_run import CurrentRun
from ops.errors import OperatorError
from tests.ops.hosts.bare_hosts import BareHost, Lab
from tests.ops.hosts.bundles import wanted

pytestmark = [pytest.mark.root, pytest.mark.usefixtures("impatient")]
HOSTS = ExistingHostProvider()
FORGET = "KUBEADM_FLEET_FORGET_HOSTS"
NEW_HOST_KEY = """
cd /etc/ssh
rm ssh_host_*
ssh-keygen -q -N '' -t ed25519 -f ssh_host_ed25519_key
systemctl restart ssh
"""


@pytest.fixture
def preview(monkeypatch: pytest.MonkeyPatch) -> mock.Mock:
    """A preview, and its warnings."""
    run = CurrentRun(is_preview=True)
    for module in ("host_succession", "host_visit"):
        monkeypatch.setattr(f"components.providers.{module}.this_run", lambda: run)
    log = mock.Mock()
    monkeypatch.setattr("components.providers.engine_log.EngineLog.__call__", log)
    return log


def test_an_unfit_or_silent_host_is_refused_before_anything_changes(
    lab: Lab, host: BareHost, enrolled: dict[str, Any]
) -> None:
    other = lab.boot("host-1", 12)
    news = {**wanted(other), "machine": host.name}
    assert HOSTS.diff("", enrolled, news).replaces == ["address", "login"]
    other.shell("mkdir /etc/kubernetes; touch /etc/kubernetes/admin.conf")
    with pytest.raises(OperatorError, match="nothing was changed on either") as refused:
        HOSTS.diff("", enrolled, news)
    assert f"host-0 cannot be replaced by ubuntu@{other.address}:22" in str(refused.value)
    assert "leftovers of an earlier installation: /etc/kubernetes" in str(refused.value)
    other.pause()
    with pytest.raises(OperatorError, match=rf"{other.address}:22 cannot be reached"):
        HOSTS.diff("", enrolled, news)
    other.resume()
    assert HOSTS.read("id", enrolled).outs == enrolled


def test_a_preview_leaves_the_decision_about_a_silent_host_to_up(
    lab: Lab, host: BareHost, enrolled: dict[str, Any], preview: mock.Mock
) -> None:
    news = wanted(host, host=lab.address(12), address=lab.address(12), host_key="ssh-ed25519 AAAA")
    assert HOSTS.diff("", enrolled, news).replaces == ["address", "login"]
    (text,) = preview.call_args.args
    assert text.startswith("host-0: this preview cannot tell whether it can be replaced")
    assert f"{lab.address(12)}:22 cannot be reached" in text


def test_a_former_host_that_cannot_be_released_is_not_given_up(
    lab: Lab, host: BareHost, enrolled: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = lab.boot("host-1", 12)
    news = {**wanted(other), "machine": host.name}
    host.pause()
    with pytest.raises(OperatorError, match=rf"cannot be released: .*{FORGET}=host-0"):
        HOSTS.diff("", enrolled, news)
    monkeypatch.setenv(FORGET, "host-0")
    assert HOSTS.diff("", enrolled, news).replaces == ["address", "login"]
    host.resume()


def test_another_address_of_the_node_replaces_the_machine_on_the_same_host(
    lab: Lab, host: BareHost, enrolled: dict[str, Any]
) -> None:
    host.shell(
        f"echo joined >/var/lib/kubeadm-fleet/member; ip address add {lab.address(99)}/24 dev eth0"
    )
    news = wanted(host, address=lab.address(99))
    diff = HOSTS.diff("", enrolled, news)
    assert (diff.replaces, diff.delete_before_replace) == (["address"], True)
    HOSTS.delete("", enrolled)
    outs = HOSTS.create(news).outs
    assert outs
    assert outs["machine_id"] != enrolled["machine_id"]


def test_the_enrolled_host_behind_another_login_stays_the_same_machine(
    lab: Lab, host: BareHost, enrolled: dict[str, Any]
) -> None:
    host.shell(f"ip address add {lab.address(99)}/24 dev eth0")
    unpinned = wanted(host, host=lab.address(99), host_key=None)
    assert not HOSTS.diff("", enrolled, unpinned).replaces
    host.shell(NEW_HOST_KEY)
    key = " ".join(host.root.joinpath("etc/ssh/ssh_host_ed25519_key.pub").read_text().split()[:2])
    rekeyed = wanted(host, host_key=key)
    with pytest.raises(OperatorError, match="host key mismatch"):
        HOSTS.diff("", enrolled, wanted(host, user="root", host_key=f"{key[:-4]}AAAA"))
    assert not HOSTS.diff("", enrolled, rekeyed).replaces
    assert HOSTS.update("", enrolled, rekeyed).outs


def test_a_reinstalled_host_with_another_key_is_replaced_once_the_former_is_declared_lost(
    host: BareHost, enrolled: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    host.shell("rm -rf /var/lib/kubeadm-fleet")
    news = wanted(host, host_key=None)
    olds = {**enrolled, "login": {**enrolled["login"], "host_key": "ssh-ed25519 AAAA"}}
    news = {**news, "login": {**news["login"], "host_key": host.host_key}}
    with pytest.raises(OperatorError, match=rf"host key mismatch.*{FORGET}=host-0"):
        HOSTS.diff("", olds, news)
    monkeypatch.setenv(FORGET, "host-0")
    assert HOSTS.diff("", olds, news).replaces == ["login"]


def test_a_host_that_was_declared_lost_and_came_back_is_reset_on_request_only(
    host: BareHost, enrolled: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    host.shell("echo joined >/var/lib/kubeadm-fleet/member")
    with pytest.raises(OperatorError, match=rf"still belongs to a cluster as host-0.*{FORGET}"):
        HOSTS.create(wanted(host))
    assert (host.root / "var/lib/kubeadm-fleet/member").exists()
    monkeypatch.setenv(FORGET, "host-0")
    outs = HOSTS.create(wanted(host)).outs
    assert outs
    assert outs["machine_id"] != enrolled["machine_id"]
    assert not (host.root / "var/lib/kubeadm-fleet/member").exists()
