"""The end of a person's access, on all clusters of a stack together."""

from functools import partial

import click

from model.people import authority_name, how_to_grant
from ops import revocation
from ops.errors import OperatorError
from ops.hosts.inventory import Inventory
from ops.kube import identity
from ops.kube.client import Client
from ops.private_file import rewrite
from ops.pulumi.deployment import Deployment
from ops.pulumi.stack_edit import with_value
from ops.pulumi.workspace import Workspace
from ops.revocation import Place, Revoked
from scripts.fleet import stack_people
from scripts.fleet.access import save_identities
from scripts.fleet.engine_run import existing_engine

USERS = ("config", stack_people.FLEET, "people", "users")


def revoke(stack: str, user: str, *, cut: bool) -> int:
    """Revoke a person's access and show the outcomes; return the exit status."""
    engine = existing_engine(stack)
    deployment = engine.deployment()
    people = deployment.outputs.get("people", {})
    if user not in people:
        raise OperatorError(stack_people.unknown(engine.workspace, user, people))
    recorded = _record(engine.workspace, user)
    save_identities(deployment)
    revoked = Revoked(user, deployment.authority(authority_name(user)).cert_pem)
    outcomes = revocation.revoke(revoked, _places(deployment), cut=cut)
    for outcome in outcomes:
        click.echo(f"{outcome.place}: {outcome.text}", err=outcome.failed)
    failed = list(dict.fromkeys(outcome.place for outcome in outcomes if outcome.failed))
    if failed:
        click.echo(
            f"Not done: {', '.join(failed)}. Run this again once they answer; `fleet up {stack}` "
            "does what is left, too.",
            err=True,
        )
    click.echo(recorded, err=True)
    return 1 if failed else 0


def _record(workspace: Workspace, user: str) -> str:
    """Have the stack's file say so, since a later run would grant the access again; say the result.

    A file that cannot be changed does not keep the access from ending.
    """
    file, stack = workspace.tracked_config, workspace.stack
    by_hand = (
        f"set `revoked: true` in people.users.{user}, or remove {user}, and run `fleet up "
        f"{stack}`. Until then, a run that changes control planes grants the access again, to "
        "certificates that were issued before, too."
    )
    users = stack_people.users(workspace)
    if users is None:
        return f"{file.name} could not be read. If it has {user}: {by_hand}"
    if user not in users:
        return f"{file.name} does not have {user}: `fleet up {stack}` removes what is left of them."
    if not stack_people.is_revoked(users, user):
        try:
            text = file.read_text(encoding="utf-8")
            rewrite(file, with_value(text, (*USERS, user, "revoked"), "true"))
        except (OSError, OperatorError) as error:
            return f"{file.name} was not changed ({error}): {by_hand}"
    return (
        f"people.users.{user} in {file.name} has `revoked: true`: no run from this file grants the "
        f"access again. Commit it, and run `fleet up {stack}`, which removes the CA of {user} "
        f"permanently. {how_to_grant(user)}."
    )


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
