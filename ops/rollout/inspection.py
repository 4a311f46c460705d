"""A look at all machines of a cluster at once: one connection to each, side by side."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from ops.errors import OperatorError
from ops.hosts.operations import Operation
from ops.hosts.session import Way, ways
from ops.hosts.ssh import Unreachable
from ops.kube.nodes import Nodes
from ops.rollout.desired import Cluster, Wanted
from ops.rollout.node_operations import NOTES, settled_as
from ops.rollout.observed import Found, parse

LOOK = Operation(("state", "settled"), (), 30)
AT_ONCE = 32


def survey(
    props: Mapping[str, Any], *, adopt: bool = False, patience_seconds: float = 0
) -> dict[str, Found]:
    """Return what every machine of the rollout's inputs is like.

    With `adopt`, a machine that has noted nothing yet notes that it is what is wanted.
    """
    cluster = Cluster.of(props)

    def one(way: Way) -> Found:
        return look(way, cluster.by_name[way.machine] if adopt else None, patience_seconds)

    into = ways(props)
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        asked = pool.submit(Nodes(props["kubeconfig"]).read)
        looks = dict(zip(into, pool.map(one, into.values()), strict=True))
        nodes = asked.result()
    if nodes is None:
        return {name: replace(each, api_answers=False) for name, each in looks.items()}
    return {name: replace(each, node=nodes.get(name)) for name, each in looks.items()}


def look(way: Way, adopted: Wanted | None, patience_seconds: float) -> Found:
    """Return what one machine says of itself; one that does not is unreachable, never gone."""
    call, operation, settings = "look", LOOK, {}
    if adopted is not None:
        call, operation, settings = "adopt; look", NOTES, settled_as(adopted)
    try:
        with way.open(patience_seconds=patience_seconds) as visit:
            return parse(visit.run(call, operation, settings).splitlines())
    except Unreachable as error:
        return Found(unreachable=str(error))
    except OperatorError as error:
        return Found(unreachable=f"it cannot be looked at: {error}")
