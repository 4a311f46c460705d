"""Show the members of a cluster's etcd, and defragment them."""

import click

from scripts.fleet.options import CONTEXT_SETTINGS, examples, stack_option

EPILOG = examples(
    "fleet etcd status cluster1          sizes of the databases, the leader, alarms",
    "fleet etcd defrag cluster1          give free space back to the disks",
    "fleet etcd defrag -s prod cluster1  in another stack",
)


@click.group(context_settings=CONTEXT_SETTINGS, epilog=EPILOG)
def command() -> None:
    """Show the members of a cluster's etcd, and defragment them."""


@command.command(context_settings=CONTEXT_SETTINGS, epilog=EPILOG)
@stack_option()
@click.argument("cluster")
def status(stack: str, cluster: str) -> None:
    """Show the members of CLUSTER's etcd: health, size of the database, space in use, alarms.

    The exit status is 1 if a member is unhealthy or has raised an alarm.
    """
    from scripts.fleet import etcd_members

    raise SystemExit(etcd_members.show_status(stack, cluster))


@command.command(context_settings=CONTEXT_SETTINGS, epilog=EPILOG)
@stack_option()
@click.argument("cluster")
def defrag(stack: str, cluster: str) -> None:
    """Defragment CLUSTER's etcd, one member at a time and the leader last.

    A member does not answer while it is defragmented (some seconds per GiB): with a single control
    plane, the API is unavailable for that time. If a member is unhealthy, none is defragmented. A
    full database is compacted first, and the alarm is disarmed at the end.
    """
    from scripts.fleet import etcd_members

    etcd_members.defragment(stack, cluster)
