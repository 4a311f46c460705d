"""A rotation in the graph: what machines, kubeconfigs and the program get of both CAs."""

import base64

import yaml
from cryptography import x509

from model.pki import trust
from model.rotation_phases import FINISH, PREPARE, SWITCH
from ops.kube import identity
from tests.components.conftest import stack_config
from tests.components.graph import Graph
from tests.components.recorder import run

SUBJECTS = ("ca", "etcdCa", "frontProxyCa", "serviceAccount")


def rotated(*phases: str) -> Graph:
    """The graph in the last of these phases, for all subjects of cluster1."""
    config = stack_config("dev")
    graph = run(config)
    for phase in phases:
        config["clusters"]["cluster1"]["rotations"] = dict.fromkeys(SUBJECTS, phase)
        graph = run(config, graph)
    return graph


def certificates_in(text: str) -> int:
    return len(x509.load_pem_x509_certificates(text.encode()))


def test_machines_that_join_meanwhile_trust_both_cas_and_only_control_planes_have_a_key() -> None:
    graph = rotated(PREPARE, SWITCH)
    authority = graph.one("cluster1-ca").outputs
    for name in ("cluster1-init", "cluster1-control-plane-0-join"):
        settings = graph.one(name).given["settings"]
        assert {*trust.SETTINGS} <= {*settings}
        assert settings["CA_CERTIFICATE"] == authority["bundle"]
        assert settings["CA_KEY"] == authority["private_key"]
        assert settings["CA_CHAIN"] == authority["chain"] != ""
    worker = graph.one("cluster1-worker-0-join").given["settings"]
    assert {*trust.SETTINGS} & {*worker} == {"CA_CERTIFICATE"}
    assert certificates_in(worker["CA_CERTIFICATE"]) == 2
    # Shown with the certificate by which those verify it who trust the former CA alone.
    assert worker["SERVING_PAIR"].endswith(authority["chain"])


def test_the_rollout_knows_the_phase_and_has_no_key_in_its_state() -> None:
    graph = rotated(PREPARE)
    rollout = graph.one("cluster1-rollout")
    names = ("ca", "etcd-ca", "front-proxy-ca", "service-account")
    assert rollout.inputs["rotations"] == dict.fromkeys(names, PREPARE)
    assert rollout.given["trust"]["CA_CERTIFICATE"] == graph.one("cluster1-ca").outputs["bundle"]
    for name in names:
        for key in ("private_key", "other_private_key"):
            assert graph.one(f"cluster1-{name}").outputs[key] not in str(rollout.inputs)
            assert key in graph.one(f"cluster1-{name}").secret_outputs
    assert graph.one("cluster2-rollout").inputs["rotations"] == {}


def test_the_program_is_known_to_machines_that_are_in_an_earlier_phase() -> None:
    """An earlier wave may hold them, or their rollout may have failed."""
    for phases, holder in (((PREPARE,), ""), ((PREPARE, SWITCH), "other_")):
        graph = rotated(*phases)
        reference = graph.one("cluster1-health").inputs["identity"]
        user = yaml.safe_load(identity.file(reference).read_text())["users"][0]["user"]
        found = x509.load_pem_x509_certificate(base64.b64decode(user["client-certificate-data"]))
        issuer = graph.one("cluster1-ca").outputs[f"{holder}certificate"]
        found.verify_directly_issued_by(x509.load_pem_x509_certificate(issuer.encode()))


def test_the_clusters_output_has_the_phases_that_are_under_way() -> None:
    config = stack_config("dev")
    config["clusters"]["cluster1"]["rotations"] = {"ca": FINISH, "etcdCa": FINISH}
    graph = run(config)
    assert "rotations" not in graph.outputs["clusters"]["cluster1"]
    config["clusters"]["cluster1"]["rotations"] = {"ca": PREPARE, "etcdCa": FINISH}
    graph = run(config, graph)
    assert graph.outputs["clusters"]["cluster1"]["rotations"] == {"ca": PREPARE}


def test_what_is_trusted_changes_in_each_phase_and_the_issuer_at_the_switch() -> None:
    first, prepared, switched = (
        graph.one("cluster1-rollout").inputs
        for graph in (rotated(), rotated(PREPARE), rotated(PREPARE, SWITCH))
    )
    assert prepared["trusted"].keys() == {"control-plane", "worker"}
    assert first["signers"].keys() == {"ca", "etcd-ca", "front-proxy-ca", "service-account"}
    assert first["signers"]["service-account"] != switched["signers"]["service-account"]
    assert prepared["signers"]["ca"] == prepared["issuer_key"]
    assert switched["signers"]["ca"] == f"{switched['issuer_key']} cross-signed"
