"""ExistingHost after its enrollment: refresh, change, replacement, release."""

from typing import Any

import pytest

from components.providers.existing_host import ExistingHostProvider
from ops.errors import OperatorError
from tests.ops.hosts.bare_hosts import BareHost, Lab
from tests.ops.hosts.bundles import wanted

pytestmark = [pytest.mark.root, pytest.mark.usefixtures("impatient")]
HOSTS = ExistingHostProvider()


def refresh(outs: dict[str, Any]) -> dict[str, Any]:
    found = HOSTS.read("id", outs)
    assert found.id == "id", "it was never deleted"
    assert found.outs
    return found.outs


def test_a_refresh_without_drift_changes_nothing(enrolled: dict[str, Any]) -> None:
    assert refresh(enrolled) == enrolled


def test_a_silent_host_is_unreachable_and_not_deleted(
    host: BareHost, enrolled: dict[str, Any]
) -> None:
    host.pause()
    found = refresh(enrolled)
    host.resume()
    assert found["condition"].startswith(f"unreachable: ubuntu@{host.address}:22 cannot be reached")
    assert {**found, "condition": "ours"} == enrolled
    assert not HOSTS.diff("", found, wanted(host)).changes, "nothing can be done about it"


def test_a_host_without_root_access_is_not_mistaken_for_another(
    host: BareHost, enrolled: dict[str, Any]
) -> None:
    host.shell("mv /etc/sudoers.d/user /root")
    assert refresh(enrolled)["condition"].startswith("unreachable: host-0 (ubuntu@")
    with pytest.raises(OperatorError, match="allow the user to use sudo again"):
        HOSTS.delete("", enrolled)
    host.shell("mv /root/user /etc/sudoers.d")
    assert refresh(enrolled) == enrolled


def test_lost_artifacts_are_detected_and_sent_again(
    host: BareHost, enrolled: dict[str, Any]
) -> None:
    host.shell("rm $(ls -d /var/lib/kubeadm-fleet/artifacts/* | grep -E '[0-9a-f]{64}' | head -1)")
    found = refresh(enrolled)
    assert HOSTS.diff("", found, wanted(host)).changes
    assert HOSTS.update("", found, wanted(host)).outs == enrolled
    assert refresh(enrolled) == enrolled


def test_a_reinstalled_host_is_another_machine(host: BareHost, enrolled: dict[str, Any]) -> None:
    host.shell("rm -rf /var/lib/kubeadm-fleet")
    with pytest.raises(OperatorError, match="is not the machine that was enrolled"):
        HOSTS.update("", enrolled, wanted(host, kubernetes_version="v1.36.4"))
    found = refresh(enrolled)
    diff = HOSTS.diff("", found, wanted(host))
    assert diff.replaces == ["login"]
    assert diff.delete_before_replace
    HOSTS.delete("", found)  # which is no longer there
    assert HOSTS.create(wanted(host)).id != enrolled["machine_id"]


def test_a_changed_login_is_an_update_of_the_same_machine(
    host: BareHost, enrolled: dict[str, Any]
) -> None:
    news = wanted(host, user="root", sudo=False)
    diff = HOSTS.diff("", enrolled, news)
    assert diff.changes
    assert not diff.replaces
    outs = HOSTS.update("", enrolled, news).outs
    assert outs
    assert outs["machine_id"] == enrolled["machine_id"]


def test_a_fleet_with_another_key_keeps_its_hosts(host: BareHost, enrolled: dict[str, Any]) -> None:
    news = wanted(host, fleet="same-fleet-with-another-key")
    assert HOSTS.diff("", enrolled, news).changes
    outs = HOSTS.update("", enrolled, news).outs
    assert outs
    assert outs["machine_id"] == enrolled["machine_id"]
    assert refresh(outs) == outs
    with pytest.raises(OperatorError, match="owner"):
        HOSTS.create(wanted(host))


def test_the_same_host_at_another_address_is_an_update(
    lab: Lab, host: BareHost, enrolled: dict[str, Any]
) -> None:
    host.shell(f"ip address add {lab.address(99)}/24 dev eth0")
    news = wanted(host, host=lab.address(99))
    assert not HOSTS.diff("", enrolled, news).replaces
    outs = HOSTS.update("", enrolled, news).outs
    assert outs
    assert outs["machine_id"] == enrolled["machine_id"]


def test_another_host_is_a_replacement(lab: Lab, host: BareHost, enrolled: dict[str, Any]) -> None:
    other = lab.boot("host-1", 12)
    news = {**wanted(other), "machine": host.name}
    assert HOSTS.diff("", enrolled, news).replaces == ["address", "login"]
    unpinned = wanted(host, host=lab.address(12), host_key=None, address=lab.address(12))
    assert HOSTS.diff("", enrolled, unpinned).replaces == ["address", "login"]


def test_a_host_that_cannot_be_released_stays_in_state(
    host: BareHost, enrolled: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    host.pause()
    with pytest.raises(
        OperatorError, match=r"If it is permanently lost, .*KUBEADM_FLEET_FORGET_HOSTS=host-0"
    ):
        HOSTS.delete("", enrolled)
    monkeypatch.setenv("KUBEADM_FLEET_FORGET_HOSTS", "host-7,host-0")
    HOSTS.delete("", enrolled)


def test_a_host_claimed_by_another_fleet_is_left_alone(
    host: BareHost, enrolled: dict[str, Any]
) -> None:
    host.shell("rm -rf /var/lib/kubeadm-fleet")
    others = HOSTS.create(wanted(host, fleet="another-fleet")).outs
    assert others
    HOSTS.delete("", enrolled)
    assert refresh(others) == others


def test_a_released_host_can_be_enrolled_again(host: BareHost, enrolled: dict[str, Any]) -> None:
    HOSTS.delete("", enrolled)
    assert not (host.root / "var/lib/kubeadm-fleet").exists()
    assert not (host.root / "var/log/kubeadm-fleet").exists()
    assert HOSTS.create(wanted(host, fleet="another-fleet")).outs
