"""The waves that an existing cluster waits for before it is changed; a new one does not wait.

Whether a cluster is new is known from its `init`, which names the run that initialized it.

The engine knows of no dependency on the waves: it would skip everything that is held when a canary
fails, new things included. What is held awaits the value alone.
"""

from collections.abc import Iterable
from uuid import uuid4

import pulumi

from components.providers.hold import STOPPED, Hold
from components.providers.step import Step

# Names this run of the program.
RUN_ID = uuid4().hex[:12]


def holds_on(init: Step, waves: Iterable[pulumi.Output[Hold]]) -> list[pulumi.Output[Hold]]:
    """Return the holds of these waves on the cluster that `init` initialized, now or earlier."""
    return [_independent(_hold_on(init, wave)) for wave in waves]


def _hold_on(init: Step, wave: pulumi.Output[Hold]) -> pulumi.Output[Hold]:
    known = wave.apply(_stopped_if_failed, run_with_unknowns=True)
    return init.ran_in.apply(lambda run: {} if run == RUN_ID else known)


def _stopped_if_failed(hold: Hold) -> Hold:
    """Return the hold of a wave; one that failed or was skipped has none after an `up`."""
    if pulumi.contains_unknowns(hold) and not pulumi.runtime.is_dry_run():
        return STOPPED
    return hold


def _independent(hold: pulumi.Output[Hold]) -> pulumi.Output[Hold]:
    """Return an output of the same value that depends on no resource."""
    future = hold.future(with_unknowns=True)
    return pulumi.Output(set(), future, hold.is_known())  # type: ignore[arg-type]
