"""The end of a person's access, on all clusters of a stack together."""

from functools import partial

import click

from model.fleet import CONTROL_PLANE
from model.people import authority_name
from ops import revocation
from ops.errors import OperatorError
from ops.hosts.inventory import Inventory
from ops.kube import identity
from ops.pulumi.stack_file import read
from ops.pulumi.workspace import Workspace
from scripts.fleet.access import save_identities
from scripts.fleet.engine_run import existing_engine


def revoke(stack: str, user: str) -> int:
    """Revoke a person's access and show the outcomes; return the exit status."""
    engine = existing_engine(stack)
    deployment = engine.deployment()
    people = deployment.outputs.get("people", {})
    if user not in people:
        raise OperatorError(
            f"the stack {stack} has no user {user} as of the last `fleet up {stack}`; its users: "
            f"{', '.join(people) or 'none'}"
        )
    save_identities(engine)
    inventory = Inventory(deployment.outputs["inventory"])
    outcomes = revocation.revoke(
        user,
        deployment.authority(authority_name(user)).cert_pem,
        [machine for machine in inventory.machines if machine.role == CONTROL_PLANE],
        {
            reference["cluster"]: partial(identity.connect, reference)
            for reference in deployment.identities
        },
    )
    for outcome in outcomes:
        click.echo(f"{outcome.place}: {outcome.text}", err=outcome.failed)
    failed = [outcome.place for outcome in outcomes if outcome.failed]
    if failed:
        click.echo(
            f"Not done: {', '.join(failed)}. Run this again, or `fleet up {stack}`, once they "
            "answer.",
            err=True,
        )
    if _is_configured(engine.workspace, user):
        click.echo(
            f"Remove {user} from people.users in {engine.workspace.tracked_config.name} and run "
            f"`fleet up {stack}`: until then, any `fleet up` grants the access again.",
            err=True,
        )
    return 1 if failed else 0


def _is_configured(workspace: Workspace, user: str) -> bool:
    try:
        fleet = read(workspace.tracked_config)["config"]["kubeadm-fleet:fleet"]
        return user in fleet["people"]["users"]
    except (OSError, OperatorError, KeyError, TypeError):
        return False
