"""Access to a stack's clusters: their kubeconfigs and nodes."""

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path

import click

from model.people import authority_name
from model.pki.certificates import issue_client
from model.selectors import LabelSelector
from ops.errors import OperatorError
from ops.pulumi.deployment import Deployment
from ops.pulumi.engine import Engine
from ops.pulumi.workspace import PROJECT
from scripts.fleet import kubeconfig, stack_people, status_cache, targets
from scripts.fleet.engine_run import existing_engine, show
from scripts.fleet.nodes import NodeRow, node_table, read_nodes
from scripts.fleet.usage import how_to_use

KUBECONFIG = PROJECT / "kubeconfig"
FOLDER = targets.FOLDER
# How long a cluster may take to say whether it accepts a certificate; how many are asked together.
ANSWER_SECONDS = 3
PARALLEL = 16


def stack_kubeconfig(engine: Engine) -> str:
    """Return the stack's kubeconfig, with the certificates of the last `fleet up`."""
    return kubeconfig_in(engine.outputs(), engine.workspace.stack)


def fresh_kubeconfig(engine: Engine) -> str:
    """Return the stack's kubeconfig with certificates that the CAs in its state issue now."""
    deployment = engine.deployment()
    output = kubeconfig_in(deployment.outputs, engine.workspace.stack)
    return kubeconfig.renewed(output, deployment.authorities)


def kubeconfig_of(engine: Engine, user: str) -> str:
    """Return a kubeconfig with a person's clusters and a certificate that is issued now."""
    deployment, stack = engine.deployment(), engine.workspace.stack
    people = deployment.outputs.get("people", {})
    if user not in people:
        raise OperatorError(stack_people.unknown(engine.workspace, user, people))
    known = kubeconfig.split(kubeconfig_in(deployment.outputs, stack))
    clusters = {name: text for name, text in known.items() if name in people[user]["clusters"]}
    authority = deployment.authority(authority_name(user))
    valid = timedelta(seconds=people[user]["lifetimeSeconds"])
    issued = kubeconfig.for_user(clusters, user, issue_client(authority, user, [], valid))
    _check_accepted(issued, user, stack)
    return issued


def _check_accepted(issued: str, user: str, stack: str) -> None:
    """Raise if no cluster that answers accepts a certificate: `fleet revoke` changes no state."""
    with ThreadPoolExecutor(PARALLEL) as pool:
        answers = list(pool.map(_is_accepted, kubeconfig.split(issued).values()))
    if False in answers and True not in answers:
        raise OperatorError(
            f"no cluster accepts certificates of {user}: the access of {user} was revoked, or the "
            f"last `fleet up {stack}` did not finish. See `fleet status {stack}`; a revoked access "
            f"is granted again as docs/runbooks/access.md says"
        )


def _is_accepted(issued: str) -> bool | None:
    """Whether a cluster knows whose certificate it is; None if the cluster does not answer."""
    from ops.kube.client import Client
    from ops.kube.errors import ApiError, Unavailable

    try:
        Client(issued).limited(retries=0, seconds=ANSWER_SECONDS).get("/version")
    except Unavailable:
        return None
    except ApiError as error:
        return error.status != HTTPStatus.UNAUTHORIZED
    return True


def write_user(engine: Engine, user: str) -> Path:
    """Issue a person's kubeconfig into a private file; return its path."""
    path = KUBECONFIG.with_name(f"{KUBECONFIG.name}-{user}")
    kubeconfig.write(path, kubeconfig_of(engine, user), engine.workspace.stack)
    return path


def kubeconfig_in(outputs: Mapping[str, object], stack: str) -> str:
    """Return the kubeconfig among a stack's outputs."""
    output = outputs.get("kubeconfig")
    if not isinstance(output, str):
        raise OperatorError(
            f"the stack {stack} has no output `kubeconfig`: complete a `fleet up {stack}` first"
        )
    return output


def select(text: str, stack: str, clusters: Collection[str]) -> str:
    """Return a stack's kubeconfig limited to these clusters; all of them if none is named."""
    known = kubeconfig.split(text)
    if unknown := sorted(set(clusters) - set(known)):
        raise OperatorError(
            f"the stack {stack} has no cluster {', '.join(unknown)}; its clusters: "
            f"{', '.join(known)}"
        )
    return kubeconfig.select(text, clusters)


def matching_clusters(engine: Engine, selector: LabelSelector) -> list[str]:
    """Return the clusters whose labels match, as of the last `fleet up`; there must be one."""
    found = labels(engine)
    matching = [name for name in found if selector.matches(found[name])]
    if not matching:
        raise OperatorError(targets.no_match(engine.workspace.stack, selector, found))
    return matching


def labels(engine: Engine) -> dict[str, dict[str, str]]:
    """Return the labels of each cluster, as of the last `fleet up`."""
    clusters = engine.outputs().get("clusters")
    if not isinstance(clusters, dict):
        stack = engine.workspace.stack
        raise OperatorError(
            f"the stack {stack} has no output `clusters`: complete a `fleet up {stack}` first"
        )
    return {name: cluster["labels"] for name, cluster in clusters.items()}


def write(
    text: str, stack: str, clusters: Collection[str] = (), *, replace: bool = False
) -> list[Path]:
    """Write the kubeconfigs of a stack; return those to use.

    Every cluster has its file; ./kubeconfig has these clusters, or all of them if none is named. A
    ./kubeconfig of another stack is kept, and so is a file that no stack wrote.
    """
    selected = select(text, stack, clusters)
    files = kubeconfig.write_each(FOLDER, text, stack)
    owner = kubeconfig.owner(KUBECONFIG)
    if replace or owner == stack or not KUBECONFIG.exists():
        kubeconfig.write(KUBECONFIG, selected, stack)
        return [KUBECONFIG]
    origin = f"belongs to the stack {owner}" if owner else "was not written by fleet"
    click.echo(
        f"{KUBECONFIG} {origin} and was not changed; the kubeconfigs of {stack} are in "
        f"{FOLDER / stack}. To replace it, run `fleet kubeconfig --stack {stack} --replace`.",
        err=True,
    )
    return [file for file in files if not clusters or file.name in clusters]


def save_identities(deployment: Deployment) -> None:
    """Issue the program's credentials from the state, for a run that does not run the program."""
    from ops.kube import identity

    for reference in deployment.identities:
        if found := deployment.authority_of(reference):
            authority, trusted = found
            identity.ensure(reference, authority, trusted)


def save_identities_for_rotation(engine: Engine) -> None:
    """Issue the program's credentials from the state if the stack's file names a rotation.

    While a CA is to change its phase, a preview does not know its key: on a host without the
    credential it could not ask the cluster what holds the phase back.
    """
    file = engine.workspace.tracked_config
    if file.is_file() and "rotations" in file.read_text(encoding="utf-8"):
        save_identities(engine.deployment())


def remove_unused_identities(deployment: Deployment, stack: str) -> None:
    """Remove the program's credentials for clusters that are not in the stack's state."""
    from ops.kube import identity

    identity.remove(stack, deployment.identities)


def cluster_kubeconfigs(stack: str) -> list[Path]:
    """Return the files of a stack's clusters.

    They are written if there are none, and again before their certificates expire; while the state
    cannot be read, those that are still valid do.
    """
    folder = FOLDER / stack
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    texts = [file.read_text(encoding="utf-8") for file in files]
    if not files or any(map(kubeconfig.is_due, texts)):
        try:
            files = kubeconfig.write_each(FOLDER, fresh_kubeconfig(existing_engine(stack)), stack)
        except OperatorError:
            if not files or any(map(kubeconfig.has_expired, texts)):
                raise
    return files


def remove(stack: str) -> list[Path]:
    """Remove the kubeconfigs, credentials and last status of a deleted stack; return the first.

    Those of people are among them: their CAs are gone with the stack.
    """
    from ops.kube import identity

    identity.remove(stack)
    status_cache.of_stack(stack).remove()
    own = [KUBECONFIG, *sorted(KUBECONFIG.parent.glob(f"{KUBECONFIG.name}-*"))]
    removed = [path for path in own if path.is_file() and kubeconfig.remove(path, stack)]
    return [*removed, *kubeconfig.remove_each(FOLDER, stack)]


def show_nodes(files: Sequence[Path]) -> list[NodeRow]:
    """Print the nodes of every cluster in the files."""
    rows = read_nodes(files)
    show(node_table(rows))
    return rows


def show_access(files: Sequence[Path]) -> None:
    """Print the nodes of every cluster in the files, and how to use them."""
    click.echo()
    rows = show_nodes(files)
    texts = [file.read_text(encoding="utf-8") for file in files]
    until = kubeconfig.validity(texts, "fleet kubeconfig")
    click.echo(f"\nTo use them{until}:\n{how_to_use(files, [row.version for row in rows])}")
