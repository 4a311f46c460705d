"""Operations on a cluster member: functions of scripts/node, by name.

Each is idempotent and can be rerun after being killed at any moment; a machine runs one at a time.
scripts/node/upgrade.sh and node_facts.sh document them and their settings.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from model.pki import trust
from model.render import node_scripts
from ops.hosts.ssh import Connection, Finished, Report
from ops.hosts.sudo import KILL_AFTER_SECONDS, run_as_root

# Every operation verifies first that it runs on this machine (`identify` in scripts/node/lib.sh).
IDENTITY = ("NODE_NAME", "MACHINE_ID")
MACHINE = (*IDENTITY, "NODE_ADDRESS", "KUBERNETES_VERSION")
INIT_SETTINGS = (*IDENTITY, "NODE_ADDRESS", "ENDPOINT", "CA_CERTIFICATE", "MEMBERSHIP")
LOGGED = ("FOLLOW", "LAST_LINES", "SINCE_SECONDS")
DOCUMENTS = ("CLUSTER_CONFIGURATION", "KUBELET_CONFIGURATION", "KUBELET_RECORDS")


@dataclass(frozen=True)
class Operation:
    """The script of a function, its settings, and its time limit."""

    script: str
    settings: tuple[str, ...]
    seconds: int


OPERATIONS = {
    "node_facts": Operation("node_facts", (), 60),
    "check_upgrade": Operation("upgrade", (*MACHINE, *DOCUMENTS, "IGNORED_CHECKS"), 1500),
    "upgrade_first": Operation("upgrade", (*MACHINE, *DOCUMENTS), 1500),
    "upgrade_control_plane": Operation("upgrade", (*MACHINE, *DOCUMENTS), 1500),
    "upgrade_kubelet": Operation("upgrade", (*MACHINE, *DOCUMENTS), 600),
    "upload_configuration": Operation("upgrade", (*MACHINE, *DOCUMENTS, "CONTROL", "KUBELET"), 120),
    "apply_control_plane": Operation("upgrade", (*MACHINE, *DOCUMENTS), 1500),
    "apply_kubelet": Operation("upgrade", (*MACHINE, *DOCUMENTS), 600),
    "repair": Operation("upgrade", (*MACHINE, *DOCUMENTS), 1500),
    "apply_files": Operation("apply", (*MACHINE, "FILES", "PARTS", "MIRROR_CREDENTIALS"), 1500),
    "issue_invalid_leaves": Operation(
        "issuance", (*MACHINE, "CLUSTER_CONFIGURATION", "KUBELET_CONFIGURATION"), 300
    ),
    "install_kubelet_certificate": Operation("issuance", (*IDENTITY, "KUBELET_CERTIFICATE"), 60),
    "rotate_kubelet": Operation("issuance", (*IDENTITY, "KUBELET_CERTIFICATE"), 300),
    "renew_former_leaves": Operation("issuance", (*IDENTITY, "FORMER_LEAVES"), 300),
    "reread_trust": Operation("issuance", IDENTITY, 60),
    "apply_trust": Operation("trust", (*IDENTITY, *trust.SETTINGS), 60),
    "apply_worker_trust": Operation("trust", (*IDENTITY, *trust.WORKER_SETTINGS), 60),
    "renew_serving": Operation("serving", (*IDENTITY, "NODE_ADDRESS", "SERVING_PAIR"), 180),
    "apply_client_authorities": Operation(
        "client_authorities", (*IDENTITY, "CLIENT_AUTHORITIES"), 60
    ),
    "apply_api_server_secrets": Operation(
        "api_server_secrets", (*MACHINE, "API_SERVER_SECRETS"), 1500
    ),
    "revoke_client": Operation("revocation", (*IDENTITY, "NODE_ADDRESS", "AUTHORITY"), 900),
    "restart_api_server": Operation("revocation", (*IDENTITY, "NODE_ADDRESS"), 1200),
    "apply_permissions": Operation("permissions", IDENTITY, 120),
    "survey_patches": Operation("patches", ("NODE_NAME",), 180),
    "stage_patches": Operation("patching", IDENTITY, 3600),
    "install_patches": Operation("patching", IDENTITY, 3600),
    "record_patched": Operation("patching", (*IDENTITY, "SECURITY_UPDATES"), 60),
    "boot_id": Operation("boot_id", IDENTITY, 60),
    "reboot_machine": Operation("reboot", IDENTITY, 300),
    "clean": Operation("upgrade", MACHINE, 300),
    "restore_images": Operation("image_restore", (*IDENTITY, "KUBERNETES_VERSION"), 1500),
    "snapshot_required": Operation(
        "init", (*INIT_SETTINGS, "OTHER_CONTROL_PLANES", "SNAPSHOT"), 660
    ),
    "receive_snapshot": Operation("restore", (*IDENTITY, "SNAPSHOT", "SNAPSHOT_BYTES"), 3600),
    "certificate_facts": Operation("certificate_facts", (), 60),
    "cis_facts": Operation("cis_facts", (), 60),
    "list_snapshots": Operation("kept_snapshots", ("VERIFY",), 3600),
    "send_snapshot": Operation("kept_snapshots", ("SNAPSHOT_NAME", "OFFSET"), 0),
    "snapshot_now": Operation("snapshot_now", ("NODE_NAME",), 3600),
    "unit_log": Operation("logs", ("UNIT", *LOGGED), 0),
    "container_log": Operation("logs", ("CONTAINER", *LOGGED), 0),
    "support_facts": Operation("support", ("PARTS", "BYTES", "LINES"), 0),
    "audit_log": Operation("audit_log", ("FILTERS", "OLDEST_ROTATION"), 0),
}


def run(
    connection: Connection,
    call: str,
    operation: Operation,
    settings: Mapping[str, str],
    stream: Iterable[bytes] = (),
    report: Report | None = None,
) -> Finished:
    """Run a function of the operation as root with exactly its settings.

    The stream is its standard input; `report` gets each line of its output.
    """
    missing = set(operation.settings) ^ set(settings)
    assert not missing, f"{call} takes {operation.settings}: {missing}"
    return run_as_root(
        connection,
        node_scripts.compose(operation.script, settings).encode(),
        call,
        stream,
        limit=operation.seconds,
        seconds=operation.seconds + 2 * KILL_AFTER_SECONDS,
        report=report,
    )
