"""Show the logs of a machine, or of a component on every control plane."""

import click

from scripts.fleet.duration import Duration
from scripts.fleet.options import CONTEXT_SETTINGS, examples, stack_option

LAST_LINES = 200
INTERRUPTED = 130
EPILOG = examples(
    "fleet logs cluster1-worker-0                      the kubelet",
    "fleet logs cluster1-worker-0 containerd -f        another unit, as it goes on",
    "fleet logs cluster1/kube-apiserver --since 10m    on every control plane",
    "fleet logs cluster1/etcd -n 20",
)


@click.command(context_settings=CONTEXT_SETTINGS, epilog=EPILOG)
@stack_option()
@click.option("-f", "--follow", is_flag=True, help="Go on with what is still to come.")
@click.option("--since", type=Duration(), help="Only what is younger, such as 30s, 10m, 1h30m.")
@click.option(
    "-n",
    "--tail",
    "lines",
    type=click.IntRange(min=-1),
    help=f"How many of the last lines; -1: all (default: {LAST_LINES}, and all with --since).",
)
@click.argument("target", metavar="MACHINE|CLUSTER/COMPONENT")
@click.argument("unit", required=False)
def command(
    stack: str, follow: bool, since: int | None, lines: int | None, target: str, unit: str | None
) -> None:
    """Show what a unit of a machine logged (the kubelet, if none is named), or a component's pods.

    COMPONENT is the name of a container that runs on the cluster's control planes, such as
    kube-apiserver, kube-controller-manager, kube-scheduler, etcd or kube-proxy. Its logs are read
    on the machines, so that they can be read when the API does not answer.
    """
    from ops.hosts.logs import LogRange
    from scripts.fleet import machine_logs
    from scripts.fleet.session import inventory

    if lines is None:
        lines = LAST_LINES if since is None else -1
    wanted = LogRange(follow, None if lines < 0 else lines, since)
    cluster, slash, component = target.partition("/")
    if slash and unit:
        raise click.UsageError("a unit belongs to a machine: name MACHINE UNIT")
    try:
        if slash:
            control_planes = inventory(stack).control_planes(cluster)
            status = machine_logs.show_containers(control_planes, component, wanted)
        else:
            machine = inventory(stack).machine(target)
            status = machine_logs.show_unit(machine, unit or "kubelet", wanted)
    except KeyboardInterrupt:
        status = INTERRUPTED
    raise SystemExit(status)
