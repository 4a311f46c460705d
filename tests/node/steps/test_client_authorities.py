"""scripts/node/client_authorities.sh: the CAs of the API server's clients."""

from tests.node.steps.disk import Disk

FILE = "etc/kubernetes/pki/clients/ca.crt"


def apply(disk: Disk, text: str) -> None:
    call = f"CLIENT_AUTHORITIES='{text}'\napply_client_authorities"
    ran = disk.run(call, "client_authorities")
    assert ran.returncode == 0, ran.stderr


def test_the_file_is_replaced_by_a_rename(disk: Disk) -> None:
    file = disk.folder / FILE
    apply(disk, "one\ntwo")
    former = file.stat()
    assert former.st_mode & 0o777 == 0o600
    apply(disk, "one")
    assert file.read_text() == "one\n"
    assert file.stat().st_ino != former.st_ino
    assert [path.name for path in file.parent.iterdir()] == ["ca.crt"]


def test_a_control_plane_gets_it_with_its_cas(disk: Disk) -> None:
    names = ("CA", "FRONT_PROXY_CA", "ETCD_CA")
    settings = [f"{name}_{part}=text" for name in names for part in ("CERTIFICATE", "KEY", "CHAIN")]
    settings += ["SERVICE_ACCOUNT_KEY=text", "SERVICE_ACCOUNT_PUBLIC_KEY=text"]
    settings += ["CLIENT_AUTHORITIES=all", "API_SERVER_SECRETS=$'encryption.yaml\\tYWxs'"]
    settings += ["ROOT_CA_CERTIFICATE=text"]
    ran = disk.run("\n".join([*settings, "install_pki"]), "pki")
    assert ran.returncode == 0, ran.stderr
    assert (disk.folder / FILE).read_text() == "all\n"
    secret = disk.folder / "var/lib/kubeadm-fleet/api-server/secrets/encryption.yaml"
    assert secret.read_text() == "all\n"
