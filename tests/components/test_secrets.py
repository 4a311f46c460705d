"""No key or credential is visible in a preview or in the plain part of the state."""

import json
import re
from base64 import b64decode, b64encode

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from model.render.mirrors import FOLDER
from ops.hosts import content
from tests.components.conftest import SSH_KEY, stack_config
from tests.components.graph import Graph
from tests.components.recorder import run

PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
# What a machine joins with, as its step gets it.
CREDENTIAL = re.compile("(-----BEGIN CERT.*?END CERTIFICATE-----\n)(.*)", re.DOTALL)


def key_material(graph: Graph) -> list[str]:
    """Lines of every private key that the program made."""
    texts = [str(each.outputs["private_key"]) for each in graph if "private_key" in each.outputs]
    return [
        line
        for text in texts
        if PRIVATE_KEY.search(text)
        for line in text.splitlines()[1:-1]
        # The rest of an OpenSSH key file is the same in all of them.
        if len(set(line)) > 20 and not line.startswith("b3BlbnNzaC1rZXkt")
    ]


def test_every_private_key_is_a_secret_output(graph: Graph) -> None:
    kinds = ("SshKey", "CertificateAuthority", "ServiceAccountKey", "ClientCertificate")
    made = [each for kind in kinds for each in graph.kinds(kind)]
    # One for logging in; three CAs, the service accounts' and the administrator's per cluster.
    assert len(made) == 1 + 2 * 5
    for each in made:
        assert PRIVATE_KEY.search(each.outputs["private_key"])
        assert "private_key" in each.secret_outputs, each.name


def test_settings_and_login_of_steps_are_secret_and_in_no_state(graph: Graph) -> None:
    steps = graph.kinds("Step")
    machines, clusters = graph.kinds("machine:Machine"), graph.kinds("cluster:Cluster")
    assert len(steps) == 2 * len(machines) + len(clusters)
    for step in steps:
        assert {"settings", "login"} <= step.secret_inputs & set(step.given), step.name
        assert set(step.inputs) == {"step", "trigger", "applied"}


def test_a_machine_joins_with_a_credential_of_its_own_that_no_other_resource_holds(
    graph: Graph,
) -> None:
    joins = {
        step.name: found
        for step in graph.kinds("Step")
        if (found := CREDENTIAL.match(step.given["settings"].get("JOIN_CREDENTIAL", "")))
    }
    assert not [each.name for each in graph if "JOIN_CREDENTIAL" in str(each.inputs)]
    assert set(joins) == {f"{machine.name}-join" for machine in graph.kinds("machine:Machine")}
    for name, found in joins.items():
        certificate = x509.load_pem_x509_certificate(found[1].encode())
        key = serialization.load_pem_private_key(found[2].encode(), None)
        assert certificate.public_key() == key.public_key()
        assert f"CN=system:node:{name.removesuffix('-join')}," in (
            certificate.subject.rfc4514_string()
        )


def test_a_kubelet_s_serving_pair_is_given_to_the_steps_that_start_it_alone(graph: Graph) -> None:
    pairs = {
        step.name: CREDENTIAL.match(step.given["settings"]["SERVING_PAIR"])
        for step in graph.kinds("Step")
        if "SERVING_PAIR" in step.given["settings"]
    }
    machines = {machine.name for machine in graph.kinds("machine:Machine")}
    inits = {f"{cluster.name}-init" for cluster in graph.kinds("cluster:Cluster")}
    assert set(pairs) == inits | {f"{name}-join" for name in machines}
    for name, found in pairs.items():
        assert found, name
        node = x509.load_pem_x509_certificate(found[1].encode()).subject.rfc4514_string()
        assert node.removeprefix("CN=") in {name.removesuffix("-join")} | machines, name
        lines = found[2].splitlines()[1:-1]
        assert not [each.name for each in graph if lines[0] in str(each.inputs)]


def test_a_run_issues_new_credentials_and_changes_no_machine_that_has_joined() -> None:
    before = run(stack_config("dev"))
    after = run(stack_config("dev"), before)
    assert after.changed_from(before) == set()
    fresh, former = (
        found.one("cluster1-worker-0-join").given["settings"]["JOIN_CREDENTIAL"]
        for found in (after, before)
    )
    assert fresh != former


def test_access_to_a_cluster_is_a_reference_without_a_credential(graph: Graph) -> None:
    holders = [each for each in graph if "identity" in each.inputs]
    assert {each.kind for each in holders} == {
        "AggregatedApi",
        "ClusterHealthCheck",
        "Manifests",
        "Membership",
        "Rollout",
    }
    for each in holders:
        assert set(each.inputs["identity"]) == {"stack", "cluster", "server", "authority"}
        assert "identity" not in each.secret_inputs


def test_a_ca_s_key_is_given_to_control_planes_and_the_administrator_s_certificate_alone(
    graph: Graph,
) -> None:
    for authority in graph.kinds("CertificateAuthority"):
        key = authority.outputs["private_key"]
        line = key.splitlines()[1]
        assert not [each.name for each in graph.customs if line in str(each.inputs)]
        holders = {each.name for each in graph.customs if line in str(each.outputs)}
        assert holders == {authority.name}, "the only copy in the state"
        certificates = [*graph.kinds("ClientCertificate"), *graph.kinds("AggregatedApi")]
        assert all("authority" in each.secret_inputs for each in certificates)
        steps = graph.kinds("Step")
        readers = {step.name for step in steps if key in step.given["settings"].values()}
        assert readers
        assert not [name for name in readers if "-worker-" in name]


def test_logins_of_rollouts_are_secret(graph: Graph) -> None:
    for rollout in graph.kinds("Rollout"):
        assert {"shared_login", "logins"} <= rollout.secret_inputs
        assert "private_key" in rollout.inputs["shared_login"], "once for all machines"
        assert not any("private_key" in own for own in rollout.inputs["logins"].values())


def test_credentials_of_mirrors_are_secret_and_in_no_file() -> None:
    config = stack_config("dev")
    mirror = {"url": "https://mirror.example.com/v2/hub", "credentials": "mirrorLogin"}
    config["registryMirrors"] = {"docker.io": mirror}
    graph = run(config, secrets={"mirrorLogin": "robot:swordfish"})
    encoded = b64encode(b"robot:swordfish").decode()
    holders = {"Rollout": "mirror_credentials", "Step": "settings"}
    found = [each for each in graph.customs if encoded in str([each.inputs, each.given])]
    machines, clusters = graph.kinds("machine:Machine"), graph.kinds("cluster:Cluster")
    assert len(found) == len(machines) + len(clusters)
    for each in found:
        inputs = {**each.inputs, **each.given}
        where = [key for key, value in inputs.items() if encoded in str(value)]
        assert where == [holders[each.kind]], each.name
        assert where[0] in each.secret_inputs
        assert encoded not in each.visible
        # A digest of a secret is one as well.
        assert each.kind != "Step" or "applied" in each.secret_inputs
    (rollout, *_) = graph.kinds("Rollout")
    tables = {machine["files"]["table"] for machine in rollout.inputs["machines"].values()}
    for table in map(content.get, tables):
        rows = [row.split("\t") for row in table.splitlines()]
        texts = {path: b64decode(text).decode() for path, _, _, text in rows}
        assert "Basic @CREDENTIALS:docker.io@" in texts[f"{FOLDER}/docker.io/hosts.toml"]
        assert not any(encoded in text or "swordfish" in text for text in texts.values())


def test_the_private_key_of_existing_hosts_is_secret(prod: Graph) -> None:
    hosts = prod.kinds("ExistingHost")
    assert len(hosts) == 12
    assert all(each.inputs["login"]["private_key"] == SSH_KEY for each in hosts)
    for each in hosts:
        shown = json.loads(each.visible)["login"]
        assert shown["private_key"] == "[secret]"
        assert shown["host"] == each.inputs["login"]["host"]


def test_the_sudo_password_is_never_visible() -> None:
    config = stack_config("prod")
    config["machines"]["ssh"]["sudoPassword"] = "becoming"
    prod = run(config, secrets={"sshPrivateKey": SSH_KEY, "becoming": "a password"})
    hosts, steps = prod.kinds("ExistingHost"), prod.kinds("Step")
    assert all(each.inputs["login"]["sudo_password"] == "a password" for each in hosts)
    assert all('"sudo_password": "[secret]"' in each.visible for each in hosts)
    assert all(step.given["login"]["sudo_password"] == "a password" for step in steps)
    assert all("a password" not in each.visible for each in prod)


def test_no_visible_input_holds_key_material(graph: Graph) -> None:
    material = key_material(graph)
    assert len(material) > 20
    for each in graph:
        assert not PRIVATE_KEY.search(each.visible), each.name
        assert SSH_KEY not in each.visible, each.name
        assert not [line for line in material if line in each.visible], each.name


def test_the_cluster_summary_is_plain_and_contains_no_key(graph: Graph) -> None:
    assert graph.secret_outputs == {"kubeconfig", "inventory"}
    text = json.dumps(graph.outputs["clusters"])
    assert not PRIVATE_KEY.search(text)
    assert not [line for line in key_material(graph) if line in text]
