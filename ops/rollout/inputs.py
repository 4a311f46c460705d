"""A cluster and its machines as the engine gives them to a rollout, and as its state keeps them."""

from typing import NotRequired, TypedDict


class FilesInputs(TypedDict):
    """The files of a machine: the digest of each part, and the checksum of their table."""

    table: str
    parts: dict[str, str]


class MachineInputs(TypedDict):
    """One machine as the rollout's inputs hold it."""

    role: str
    address: str
    files: FilesInputs
    pool: NotRequired[str]
    # The SSH address and the pinned host key of an existing host.
    host: NotRequired[str]
    host_key: NotRequired[str]
    # Fields that override the cluster's kubelet_document, as a YAML document.
    kubelet: NotRequired[str]
    labels: NotRequired[dict[str, str]]
    taints: NotRequired[list[str]]


class EncryptionInputs(TypedDict):
    """What encrypts Secrets, and the KMS plugin that the API servers know, "" if there is none."""

    provider: str
    plugin: str


class ClusterInputs(TypedDict):
    """A cluster as the rollout's inputs hold it; the engine keeps no order in mappings.

    `issuer_key` identifies the key of its CA, `serving_seconds` is how long the kubelets' serving
    certificates are valid.
    `client_file` and `client_set` are digests of the CAs whose client certificates API servers
    accept: of the file that has them, and of the certificates in any order; `front_proxy_set` is
    that of the CAs of the API servers' own requests. `people` are those whose certificates they
    accept, unknown of a state that has no such list. `secrets_digest` is that of the API servers'
    secret files (model/api_server_secrets.py), `encryption` what encrypts Secrets in etcd, with the
    name of a KMS plugin, and `writer` the same with the key, as the cluster records it;
    `encryption_keys` is a number that changes with the keys.
    `rotations` are phases by the names of model/rotation_phases.py; `trusted` is the digest of what
    machines trust in them, by role, and `signers` are the issuers of new certificates, by the name
    of the CA (model/pki/leaves.py).
    """

    cluster: str
    version: str
    issuer_key: str
    serving_seconds: float
    cluster_document: str
    kubelet_document: str
    patches: str
    machines: dict[str, MachineInputs]
    machine_ids: dict[str, str]
    client_file: str
    client_set: str
    people: NotRequired[list[str]]
    front_proxy_set: str
    rotations: dict[str, str]
    trusted: dict[str, str]
    signers: dict[str, str]
    secrets_digest: str
    encryption: EncryptionInputs
    writer: str
    encryption_keys: float
    # As of when all machines have the security updates of their systems (model/config/upgrades.py).
    security_updates: NotRequired[str]
    # What machines are sent besides the bundle of their version (SUPPLEMENTS in model/pins.py).
    supplements: list[str]
    # What connects pods, as the CNI configuration is named (model/cni/plugins.py).
    plugin: str
    client_authorities: NotRequired[str]
    api_server_secrets: NotRequired[str]
    mirror_credentials: NotRequired[str]
