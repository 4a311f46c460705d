"""Ask the audit logs of all clusters who did what."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any

import click

from model.audit import questions
from model.audit.questions import Question
from model.audit.resources import ObjectName, ObjectNameError
from model.selectors import LabelSelector
from scripts.fleet.instant import Instant
from scripts.fleet.options import (
    CONTEXT_SETTINGS,
    check_selection,
    cluster_option,
    examples,
    selector_option,
    stack_option,
)

DAY = "24h"
ROWS = 200
MOST_ROWS = 100_000
EXIT_STATUS = """

\b
Exit status:
  0  the log of every control plane was read, whether or not something was found
  2  one could not be read, which is named, or the command failed"""
EPILOG = (
    examples(
        "fleet audit changes --since 7d -n shop         who changed what in a namespace",
        "fleet audit changes deploy/web --since 7d      who changed one Deployment",
        "fleet audit changes --user alice -l env=prod   what alice changed, on some clusters",
        "fleet audit denied --since 1h                  requests that were refused",
        "fleet audit secrets db-password -n shop        who read a Secret",
        "fleet audit exec --since 7d                    who was in which container",
        "fleet audit who-deleted pods/web-0 -n shop     who deleted it",
        "fleet audit deprecated                         clients of APIs that will be removed",
        "fleet audit denied -o html >denied.html        a page to read, print or send",
    )
    + EXIT_STATUS
)
Function = Callable[..., Question]


@click.group(context_settings=CONTEXT_SETTINGS, epilog=EPILOG)
def command() -> None:
    """Ask the audit logs of all clusters who did what.

    The logs are filtered on the control planes, over SSH: this works while an API is unreachable.
    Times are UTC. Each API server logs what it served; each request is one row.
    """


def _question(name: str, *, since: str | None, people: bool = False) -> Callable[[Function], Any]:
    """Make a function, which returns the question, the subcommand `name` with all options."""

    def add(function: Function) -> Any:
        @wraps(function)
        def ask(
            stack: str,
            clusters: tuple[str, ...],
            selector: LabelSelector | None,
            since: datetime | None,
            until: datetime | None,
            users: tuple[str, ...],
            namespaces: tuple[str, ...],
            limit: int,
            output: str,
            no_headers: bool,
            all_users: bool = False,
            **others: Any,
        ) -> None:
            from model.audit.query import Query
            from scripts.fleet import audit

            check_selection(clusters, selector)
            if since and until and since > until:
                raise click.UsageError("--since is later than --until")
            try:
                question = function(frozenset(namespaces), **others)
            except ObjectNameError as error:
                raise click.UsageError(str(error)) from None
            query = Query(
                question,
                datetime.now(UTC).replace(microsecond=0),
                since,
                until,
                frozenset(users),
                frozenset(namespaces),
                all_users,
            )
            shown = audit.AuditOutput(output, limit, not no_headers)
            raise SystemExit(audit.show(stack, clusters, selector, query, shown))

        made = ask
        for option in reversed([*_options(since), *(_people_option() if people else [])]):
            made = option(made)
        return command.command(name, context_settings=CONTEXT_SETTINGS, epilog=EPILOG)(made)

    return add


def _options(since: str | None) -> list[Callable[[Any], Any]]:
    default = "24h" if since else "from the logs' beginning"
    return [
        stack_option(),
        cluster_option(),
        selector_option(),
        click.option(
            "--since",
            type=Instant(),
            default=since,
            help=f"From when on: 30m, 7d, 2026-11-26T21:00:00Z (default: {default}).",
        ),
        click.option("--until", type=Instant(), help="Until when, in the same forms."),
        click.option(
            "--user",
            "users",
            multiple=True,
            metavar="NAME",
            help="Only this user, also where another one acts as it; repeatable.",
        ),
        click.option(
            "-n",
            "--namespace",
            "namespaces",
            multiple=True,
            metavar="NAME",
            help="Only in this namespace; repeatable.",
        ),
        click.option(
            "--limit",
            type=click.IntRange(1, MOST_ROWS),
            default=ROWS,
            show_default=True,
            help="The newest rows only.",
        ),
        click.option(
            "-o",
            "--output",
            type=click.Choice(["table", "wide", "json", "html"]),
            default="table",
            show_default=True,
            help="Format; docs/audit.schema.json describes the fields of json.",
        ),
        click.option("--no-headers", is_flag=True, help="A table without the row of titles."),
    ]


def _people_option() -> list[Callable[[Any], Any]]:
    return [
        click.option(
            "--all-users",
            is_flag=True,
            help="Also the cluster's own parts: nodes, the control plane, service accounts of "
            "kube-system.",
        )
    ]


@_question("changes", since=DAY, people=True)
@click.argument("wanted", metavar="[TYPE[/NAME]]", nargs=-1)
def _changes(_namespaces: frozenset[str], wanted: tuple[str, ...]) -> Question:
    """Show who changed what: created, updated, patched, deleted, evicted.

    What was refused or a dry run changed nothing and is not shown. -o wide and json name the fields
    of a patch.
    """
    return questions.changes(ObjectName.parse(wanted, needs_name=False) if wanted else None)


@_question("denied", since=DAY)
def _denied(_namespaces: frozenset[str]) -> Question:
    """Show requests that were refused: forbidden, or denied by a policy.

    Those that were not authenticated are shown where the audit policy records them: the default
    one does not, since anyone could fill the log with them.
    """
    return questions.denied()


@_question("secrets", since=DAY, people=True)
@click.argument("name", required=False, default="")
def _secrets(_namespaces: frozenset[str], name: str) -> Question:
    """Show who read Secrets, or the Secret NAME.

    Whoever lists or watches Secrets reads all of them: NAME is * in these rows.
    """
    return questions.secrets(name)


@_question("exec", since=DAY)
def _exec(_namespaces: frozenset[str]) -> Question:
    """Show sessions in containers: exec, attach and port-forward, and what was executed.

    Those that began before --since are shown if they have ended since.
    """
    return questions.sessions()


@_question("who-deleted", since=None)
@click.argument("wanted", metavar="TYPE/NAME", nargs=-1, required=True)
def _who_deleted(namespaces: frozenset[str], wanted: tuple[str, ...]) -> Question:
    """Show who deleted or evicted an object.

    Also shown is who deleted all objects of its type (NAME is *) and, with -n, its namespace. If
    the garbage collector did, the object's owner was deleted: ask for that one.
    """
    return questions.deletions(ObjectName.parse(wanted, needs_name=True), namespaces)


@_question("deprecated", since=None)
def _deprecated(_namespaces: frozenset[str]) -> Question:
    """Show which clients use deprecated versions of APIs, and which release removes them."""
    return questions.deprecated()
