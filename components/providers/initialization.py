"""An initialization of a cluster: it lasts as long as the data of its control planes.

Create does nothing; `init` runs once for every new ID. Control planes that join or leave are an
update in place. Another machine in the place of the only control plane replaces the resource, since
the data is lost with it: that is refused unless `data_loss` holds a consent that was not recorded
before. Recording a consent is an update too, so a consent that was given before a loss does not
apply to that loss.

When the engine works out what the replacement of a machine entails, it asks with the former inputs
of the dependents. Therefore the consent is read from the run (ops/current_run.py).
"""

from dataclasses import dataclass
from typing import TypedDict

import pulumi
from pulumi.dynamic import DiffResult

from components.providers.base import (
    ProvidedResource,
    Provider,
    changed,
    require_known,
    require_present,
)
from components.providers.engine_log import this_run
from ops.errors import OperatorError

INPUTS = ("cluster", "nodes", "first", "data_loss")


class InitializationInputs(TypedDict):
    """The initialization as the provider gets it."""

    cluster: str
    nodes: list[str]
    first: str
    data_loss: str


class InitializationProvider(Provider[InitializationInputs, InitializationInputs]):
    """Decides whether a cluster is initialized again."""

    def _create(self, inputs: InitializationInputs) -> InitializationInputs:
        """Store whose data the cluster has."""
        return inputs

    def _diff(self, olds: InitializationInputs, news: InitializationInputs) -> DiffResult:
        """Replace for a loss of all data, if it was accepted; otherwise update."""
        require_present(news, INPUTS)
        require_known(news, ("cluster", "nodes"))
        if not _is_lost(olds, news):
            return DiffResult(changes=bool(changed(olds, news, INPUTS)))
        given = this_run().consents.get(news["cluster"], news["data_loss"])
        if given in ("", olds["data_loss"]):
            raise _refusal(olds)
        return DiffResult(changes=True, replaces=["first"], delete_before_replace=True)

    def _update(
        self, _olds: InitializationInputs, news: InitializationInputs
    ) -> InitializationInputs:
        """Store whose data the cluster has now, and the consent that has been given."""
        return news


def _is_lost(olds: InitializationInputs, news: InitializationInputs) -> bool:
    """Whether the machine of the only control plane is replaced, or its name is gone."""
    if len(olds["nodes"]) != 1:
        return False
    (former,) = olds["nodes"]
    if former not in news["nodes"]:
        return True
    # Another one that is the first now joins the former.
    return former == news["nodes"][0] and olds["first"] != news["first"]


def _refusal(olds: InitializationInputs) -> OperatorError:
    cluster, given = olds["cluster"], olds["data_loss"]
    used = f" ({given!r} was given for an earlier loss)" if given else ""
    return OperatorError(
        f"{olds['nodes'][0]} is the only control plane of {cluster}: replacing its machine would "
        "lose everything in etcd, that is, every object of the cluster, so it was not replaced. If "
        "the machine still exists, keep it, or bring it back; further control planes can join "
        "first, and it can leave in a later run. Otherwise choose one in the stack's config. "
        f"Restore from an etcd snapshot: clusters/{cluster}/controlPlanes/restore: <path>. Start "
        f"with an empty cluster: clusters/{cluster}/controlPlanes/acceptDataLoss: "
        f'"<any text, such as a ticket>"{used}.'
    )


@dataclass(frozen=True)
class InitializationArgs:
    """A cluster, its control planes' `nodes`, and the machine ID of the first of them.

    `data_loss` is the consent to lose the data of an only control plane ("" if none was given); a
    snapshot counts as consent.
    """

    cluster: str
    nodes: list[str]
    first: pulumi.Input[str]
    data_loss: str


class Initialization(ProvidedResource, module="kubeadm-fleet", name="Initialization"):
    """An initialization of a cluster; another one has another `id`."""

    def __init__(
        self, name: str, args: InitializationArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(InitializationProvider(), name, args, opts)
