"""The end of a person's access, on all clusters of a stack together."""

from functools import partial

import click

from model.people import authority_name
from ops import revocation
from ops.errors import OperatorError
from ops.hosts.inventory import Inventory
from ops.kube import identity
from ops.kube.client import Client
from ops.pulumi.deployment import Deployment
from ops.pulumi.stack_file import read
from ops.pulumi.workspace import Workspace
from ops.revocation import Place, Revoked
from scripts.fleet.access import save_identities
from scripts.fleet.engine_run import existing_engine

FLEET = "kubeadm-fleet:fleet"


def revoke(stack: str, user: str, *, cut: bool) -> int:
    """Revoke a person's access and show the outcomes; return the exit status."""
    engine = existing_engine(stack)
    deployment = engine.deployment()
    people = deployment.outputs.get("people", {})
    if user not in people:
        raise OperatorError(
            f"the stack {stack} has no user {user} as of the last `fleet up {stack}`; its users: "
            f"{', '.join(people) or 'none'}"
        )
    save_identities(deployment)
    revoked = Revoked(user, deployment.authority(authority_name(user)).cert_pem)
    outcomes = revocation.revoke(revoked, _places(deployment), cut=cut)
    for outcome in outcomes:
        click.echo(f"{outcome.place}: {outcome.text}", err=outcome.failed)
    failed = list(dict.fromkeys(outcome.place for outcome in outcomes if outcome.failed))
    if failed:
        click.echo(
            f"Not done: {', '.join(failed)}. Run this again once they answer; or remove {user} "
            f"from the config and run `fleet up {stack}`, which does what is left when they do.",
            err=True,
        )
    if warning := _warning(engine.workspace, user):
        click.echo(warning, err=True)
    return 1 if failed else 0


def _places(deployment: Deployment) -> list[Place]:
    """Return the clusters of the last `fleet up`, each with its control planes."""
    inventory = Inventory(deployment.outputs["inventory"])
    rollouts = {found.outputs["cluster"]: found for found in deployment.of_kind("Rollout")}
    identities = {reference["cluster"]: reference for reference in deployment.identities}

    def connect(cluster: str) -> Client:
        if cluster not in identities:
            raise OperatorError(f"{cluster} has no API yet, as of the last `fleet up`")
        return identity.connect(identities[cluster])

    return [
        Place(
            cluster,
            inventory.control_planes(cluster),
            rollouts[cluster].outputs["machine_ids"] if cluster in rollouts else {},
            partial(connect, cluster),
        )
        for cluster in inventory.clusters
    ]


def _warning(workspace: Workspace, user: str) -> str:
    """Say what would grant the access again; "" if nothing would."""
    stack, name = workspace.stack, workspace.tracked_config.name
    try:
        fleet = read(workspace.tracked_config)["config"][FLEET]
    except (OSError, OperatorError, KeyError, TypeError):
        return (
            f"Whether {name} still has {user} could not be read: if it has, a "
            f"`fleet refresh {stack}` followed by `fleet up {stack}` grants the access again."
        )
    people = (fleet.get("people") or {}) if isinstance(fleet, dict) else {}
    if user not in (people.get("users") or {}):
        return ""
    return (
        f"Remove {user} from people.users in {name} and run `fleet up {stack}`: until then, a "
        f"`fleet refresh {stack}` followed by `fleet up {stack}`, or an `up` that changes the "
        "cluster, grants the access again, to certificates that were issued before, too."
    )
