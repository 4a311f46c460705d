"""What control planes failed to renew by the clock: a warning of each run, never a change.

The timer tries again by itself; nothing that it writes is drift.
"""

from collections.abc import Iterator, Mapping

from ops.rollout.observed import ObservedMachine

# The subject of the run itself, as in scripts/node/renewal_record.sh.
RUN = "run"


def warnings(found: Mapping[str, ObservedMachine]) -> Iterator[str]:
    """Yield a sentence for each subject that failed."""
    for name, machine in found.items():
        for subject, reason in machine.renewal_failures.items():
            what = "its timer" if subject == RUN else f"the renewal of {subject} failed"
            yield (
                f"{name}: {what}: {reason}. It is tried again periodically; see 'journalctl -u "
                "kubeadm-fleet-renewal' on the machine"
            )
