"""Kubeconfigs, read by the official Kubernetes client."""

from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from kubernetes import config as kubernetes_config
from kubernetes.client import Configuration

from model.pki import certificates
from model.render import kubeconfig

CA = certificates.new_authority("kubernetes", timedelta(days=30))
ADMIN = certificates.issue_client(CA, "admin", ["kubeadm:cluster-admins"], timedelta(days=1))


def context(cluster: str) -> kubeconfig.Context:
    server = f"https://api.{cluster}.example.com:6443"
    return kubeconfig.Context(cluster, server, CA.cert_pem, ADMIN.cert_pem, ADMIN.key_pem)


def content(path: str | None) -> str:
    assert path is not None
    return Path(path).read_text()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "kubeconfig"
    path.write_text(kubeconfig.render([context("cluster1"), context("cluster2")]))
    return path


def test_each_cluster_has_a_context_and_the_first_is_current(file: Path) -> None:
    contexts, current = kubernetes_config.list_kube_config_contexts(str(file))
    assert [each["name"] for each in contexts] == ["cluster1-admin", "cluster2-admin"]
    assert current["name"] == "cluster1-admin"


@pytest.mark.parametrize("cluster", ["cluster1", "cluster2"])
def test_the_client_gets_server_ca_and_credential(file: Path, cluster: str) -> None:
    loaded = Configuration()
    kubernetes_config.load_kube_config(str(file), f"{cluster}-admin", loaded)
    assert loaded.host == f"https://api.{cluster}.example.com:6443"
    assert loaded.verify_ssl
    assert content(loaded.ssl_ca_cert) == CA.cert_pem
    assert content(loaded.cert_file) == ADMIN.cert_pem
    assert content(loaded.key_file) == ADMIN.key_pem


def test_users_of_different_clusters_have_different_names(file: Path) -> None:
    document = yaml.safe_load(file.read_text())
    assert [user["name"] for user in document["users"]] == ["cluster1-admin", "cluster2-admin"]


def test_data_is_on_one_line_for_shell_tools() -> None:
    text = kubeconfig.render([context("cluster1")])
    (line,) = (line for line in text.splitlines() if "client-key-data" in line)
    assert line.split() == ["client-key-data:", line.split()[1]]


def test_the_key_is_not_in_the_repr() -> None:
    assert "PRIVATE" not in repr(context("cluster1"))
