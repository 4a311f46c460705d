"""A control plane's timer on a machine: it renews what is due, and takes snapshots of etcd."""

import pytest

from model.render.renewal import SCRIPT, UNIT
from tests.node.cluster import Member

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.timeout(600)]

STATE = "/var/lib/kubeadm-fleet"
# The functions of the script that the timer runs, without its call at the end.
FUNCTIONS = f"""
set -Eeuo pipefail
source <(sed '$d' {SCRIPT})
MACHINE_ID=$(machine_identity); lib_begin; open_run
"""
# Issued for 7 minutes, 5 of which are in the past: it is in its last third.
MAKE_DUE = f"""{FUNCTIONS}
sed 's/^certificateValidityPeriod:.*/certificateValidityPeriod: 2m/' $LEAF_CONFIGURATION \\
  >/run/leaf.yaml
LEAF_CONFIGURATION=/run/leaf.yaml
for name in "${{LEAVES[@]}}"; do renew_leaf $name; leaf_state $name; done
"""
STATES = f"""{FUNCTIONS}
for name in "${{LEAVES[@]}}"; do leaf_state $name; done
"""
# The processes of all containers.
PROCESSES = "ctr --namespace k8s.io tasks list 2>/dev/null | awk 'NR > 1 {print $2}' | sort"


def test_the_timer_runs_on_control_planes_only(control_plane: Member, worker: Member) -> None:
    shown = control_plane.shell(
        f"systemctl is-active {UNIT}.timer; systemctl is-enabled {UNIT}.timer"
    )
    assert shown.split() == ["active", "enabled"]
    assert control_plane.node_facts()[f"service:{UNIT}.timer"] == "active"
    assert worker.shell(f"systemctl list-unit-files --no-legend {UNIT}.timer || true") == ""


def test_everything_that_is_due_is_renewed_without_a_restart(control_plane: Member) -> None:
    # Today's snapshot is due, whatever took one on this machine before.
    control_plane.shell(f"rm -rf {STATE}/snapshots")
    assert set(control_plane.shell(MAKE_DUE).split()[-10:]) == {"due"}
    before = control_plane.shell(PROCESSES)
    facts = control_plane.node_facts()

    control_plane.shell(f"systemctl start {UNIT}.service")

    assert set(control_plane.shell(STATES).split()) == {"valid"}
    assert control_plane.shell(PROCESSES) == before, "no container was restarted"
    record = control_plane.shell(f"cat {STATE}/renewals")
    assert record.count("succeeded") == 12 and "failed" not in record, record
    known = control_plane.shell(f"journalctl --quiet --output=cat --unit {UNIT}.service")
    assert known.count("renewed the certificate of ") >= 10
    control_plane.shell("kubectl --kubeconfig /etc/kubernetes/admin.conf get --raw /readyz")
    after = control_plane.node_facts()
    watched = ("file:", "part:", "service:")
    drift = {key for key, value in after.items() if facts.get(key) != value}
    assert [key for key in drift if key.startswith(watched)] == []


def test_the_first_snapshot_can_be_restored(control_plane: Member) -> None:
    control_plane.shell(f"systemctl start {UNIT}.service")
    (name,) = control_plane.shell(f"ls {STATE}/snapshots").split()
    control_plane.shell(
        f"etcdutl snapshot restore {STATE}/snapshots/{name} --data-dir /run/restored "
        "&& rm -r /run/restored"
    )
    assert control_plane.shell(f"stat --format %a {STATE}/snapshots/{name}").strip() == "600"


def test_a_failure_is_reported_until_it_is_fixed(control_plane: Member) -> None:
    """Without the CA's key nothing can be issued."""
    control_plane.shell(MAKE_DUE)
    key = "/etc/kubernetes/pki/front-proxy-ca.key"
    control_plane.shell(f"mv {key} /run/; ! systemctl start {UNIT}.service")
    reason = control_plane.node_facts()["renewal:front-proxy-client"]
    assert "front-proxy-ca" in reason
    annotation = (
        "kubectl --kubeconfig /etc/kubernetes/admin.conf get node $(hostname) --output "
        "'jsonpath={.metadata.annotations.kubeadm-fleet/renewal}'"
    )
    assert f"front-proxy-client: {reason}" in control_plane.shell(annotation)

    control_plane.shell(f"mv /run/front-proxy-ca.key {key}; systemctl start {UNIT}.service")
    assert not [fact for fact in control_plane.node_facts() if fact.startswith("renewal:")]
    assert control_plane.shell(annotation) == ""
