"""Hosts whose sudo requires a password: enrollment, preparation, refresh, release."""

from typing import Any

import pytest

from components.providers.existing_host import ExistingHostProvider
from model.artifacts.bundle import Bundle
from model.render.machine_files import COMMON_FILES, table
from ops.errors import OperatorError
from ops.hosts import content
from ops.hosts.login import Login
from ops.hosts.operations import OPERATIONS
from ops.hosts.session import HostConnection
from tests.ops.hosts.bare import USER
from tests.ops.hosts.bare_hosts import BareHost
from tests.ops.hosts.bundles import wanted
from tests.ops.hosts.steps import changes, condition, step

pytestmark = [pytest.mark.root, pytest.mark.slow]
HOSTS = ExistingHostProvider()
PASSWORD = 'it\'s "two" words, $HOME and \\ too'
ASKING = {
    "once in a while": "",
    "each time, on a terminal of its own": "Defaults timestamp_timeout=0\nDefaults use_pty\n",
}


def with_files(host: BareHost, password: str) -> dict[str, Any]:
    """The provider's inputs for a host that gets its table of files, too."""
    files = content.put(table(COMMON_FILES))
    return wanted(host, sudo_password=password, files=files)


@pytest.mark.parametrize("how", ASKING)
def test_lifecycle_of_a_host_whose_sudo_requires_a_password(
    host: BareHost, bundle: Bundle, how: str
) -> None:
    host.have_sudo_ask(PASSWORD, ASKING[how])
    before = condition(host)
    inputs = with_files(host, PASSWORD)
    outs = HOSTS.create(inputs).outs
    assert outs
    prepared = step(host, "prepare", PASSWORD, ROLE="worker", KUBERNETES_VERSION="v1.36.3")
    assert prepared.status == 0, prepared.said
    with HostConnection(host.name, Login.from_props(inputs["login"])).open() as visit:
        assert "containerd" in visit.run("node_facts", OPERATIONS["node_facts"], {})
    found = HOSTS.read("id", outs).outs
    assert found == outs
    HOSTS.delete("", outs)
    assert changes(host, before) == {}
    assert PASSWORD not in host.shell("cat /var/log/auth.log; journalctl --no-pager")


def test_sudo_that_no_longer_requires_a_password_works_too(host: BareHost, bundle: Bundle) -> None:
    outs = HOSTS.create(with_files(host, "of another time")).outs
    assert outs
    prepared = step(host, "prepare", "of another time", ROLE="worker", KUBERNETES_VERSION="v1.36.3")
    assert prepared.status == 0, prepared.said
    assert HOSTS.read("id", outs).outs == outs


def test_wrong_password_is_tried_once_and_reported(host: BareHost, bundle: Bundle) -> None:
    host.have_sudo_ask(PASSWORD)
    with pytest.raises(OperatorError, match="root: sudo: 1 incorrect password attempt") as refusal:
        HOSTS.create(wanted(host, sudo_password="wrong"))
    assert "sudoPassword" in str(refusal.value)
    assert "wrong" not in str(refusal.value)
    assert not (host.root / "var/lib/kubeadm-fleet").exists()


def test_changed_password_is_an_update(host: BareHost, bundle: Bundle) -> None:
    host.have_sudo_ask(PASSWORD)
    outs = HOSTS.create(wanted(host, sudo_password=PASSWORD)).outs
    assert outs
    host.shell(f"echo {USER}:another | chpasswd")
    found = HOSTS.read("id", outs).outs
    assert found
    assert "allow the user to use sudo again" in found["condition"]
    news = wanted(host, sudo_password="another")
    assert HOSTS.diff("", found, news).changes
    updated = HOSTS.update("", found, news).outs
    assert updated
    assert updated["machine_id"] == outs["machine_id"]
