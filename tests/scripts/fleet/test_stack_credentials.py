"""Credentials for clusters, with the real engine: the program's, and those of kubeconfigs."""

import base64
import stat

import pytest
import yaml
from cryptography import x509

from tests.scripts.conftest import TOP
from tests.scripts.throwaway import Clone

pytestmark = pytest.mark.slow

# A delete that lists the credentials which it could use.
LISTING = """
    def delete(self, id, props):
        state = pathlib.Path(os.environ["KUBEADM_FLEET_STATE"])
        found = "".join(path.name for path in state.glob("identities/dev/*"))
        (state / "seen").write_text(found)

class Slow("""


PKI = """
from components.pki import Pki, PkiArgs
from model.load import load
from model.render import kubeconfig

machines = {"driver": "container", "subnet": "10.89.1.0/24"}
(described,) = load({"clusters": {"cluster1": {"machines": machines}}}).clusters
trust = Pki("cluster1-pki", PkiArgs(described))
contexts = pulumi.Output.all(trust.context)
pulumi.export("kubeconfig", pulumi.Output.secret(contexts.apply(kubeconfig.render)))
pulumi.export("identity", trust.identity)
"""


@pytest.fixture
def cluster(clone: Clone) -> Clone:
    """One whose program has the PKI of a cluster."""
    (clone.folder / "components").symlink_to(TOP / "components")
    program = clone.folder / "__main__.py"
    program.write_text(program.read_text().partition('pulumi.export("kubeconfig"')[0] + PKI)
    return clone


def _user(kubeconfig: str) -> tuple[str, int]:
    """The subject of the only user's certificate, and its serial number."""
    (entry,) = yaml.safe_load(kubeconfig)["users"]
    pem = base64.b64decode(entry["user"]["client-certificate-data"])
    certificate = x509.load_pem_x509_certificate(pem)
    return certificate.subject.rfc4514_string(), certificate.serial_number


def test_credentials_of_the_program_come_from_the_state_and_go_with_the_clusters(
    cluster: Clone,
) -> None:
    slow = cluster.folder / "slow.py"
    slow.write_text(slow.read_text().replace("\nclass Slow(", LISTING))
    folder = cluster.state / "identities" / "dev"
    folder.mkdir(parents=True)
    (folder / "former-0123456789abcdef").touch()
    cluster.fleet("up")
    (path,) = folder.iterdir()
    path.unlink()
    cluster.fleet("refresh")
    assert [*folder.iterdir()] == [path]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert _user(path.read_text())[0] == "CN=kubeadm-fleet,O=kubeadm:cluster-admins"
    path.unlink()
    cluster.fleet("down")
    assert (cluster.state / "seen").read_text() == path.name
    assert not folder.exists()


def test_a_kubeconfig_is_issued_without_an_up(cluster: Clone) -> None:
    cluster.fleet("up")
    former = _user(cluster.kubeconfig.read_text())
    state = cluster.state / "backend/.pulumi/stacks/kubeadm-fleet/dev.json"
    recorded = state.read_text()
    cluster.fleet("kubeconfig")
    fresh = _user(cluster.kubeconfig.read_text())
    assert fresh[0] == former[0] == "CN=kubeadm-fleet-admin,O=kubeadm:cluster-admins"
    assert fresh[1] != former[1]
    assert state.read_text() == recorded
