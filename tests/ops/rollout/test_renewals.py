"""What control planes failed to renew by the clock is said, and changes nothing."""

from ops.rollout import renewals
from ops.rollout.desired import DesiredCluster
from ops.rollout.diff import required_actions
from tests.ops.rollout.examples import found, inputs

FAILED = {"apiserver": "no CA", "run": "it has not run since 2026-01-01T00:00:00Z"}


def test_a_failure_is_a_warning_and_no_action() -> None:
    machine = DesiredCluster.of(inputs()).control_planes[0]
    one = found(machine, renewal_failures=FAILED)
    assert required_actions(one, machine) == required_actions(found(machine), machine)
    advice = "It is tried again periodically; see 'journalctl -u kubeadm-fleet-renewal'"
    assert [text.split(" on the machine")[0] for text in renewals.warnings({"a": one})] == [
        f"a: the renewal of apiserver failed: no CA. {advice}",
        f"a: its timer: it has not run since 2026-01-01T00:00:00Z. {advice}",
    ]
    assert one.summary["renewal_failures"] == FAILED
    assert "renewal_failures" not in found(machine).summary, "the state has no room for good news"
