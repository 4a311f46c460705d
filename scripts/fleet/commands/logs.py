"""Show logs of a machine or of a control plane component."""

import click

from scripts.fleet.duration import Duration
from scripts.fleet.options import CONTEXT_SETTINGS, examples, stack_option

LAST_LINES = 200
EPILOG = examples(
    "fleet logs cluster1-worker-0                      the kubelet's log",
    "fleet logs cluster1-worker-0 containerd -f        containerd's log, followed",
    "fleet logs cluster1/kube-apiserver --since 10m    10 minutes, from every control plane",
    "fleet logs cluster1/etcd -n 20                    20 lines, from every control plane",
)


@click.command(context_settings=CONTEXT_SETTINGS, epilog=EPILOG)
@stack_option()
@click.option("-f", "--follow", is_flag=True, help="Print new lines as they are logged.")
@click.option("--since", type=Duration(), help="Only lines newer than this: 30s, 10m, 1h30m.")
@click.option(
    "-n",
    "--tail",
    "lines",
    type=click.IntRange(min=-1),
    help=f"Only the last N lines; -1 for all (default: {LAST_LINES}; with --since: all).",
)
@click.argument("target", metavar="MACHINE|CLUSTER/COMPONENT")
@click.argument("unit", required=False)
def command(
    stack: str, follow: bool, since: int | None, lines: int | None, target: str, unit: str | None
) -> None:
    """Show the log of a systemd unit on a machine, or of a component on every control plane.

    UNIT is the name of a systemd unit; the default is the kubelet.

    COMPONENT is the name of a container on the cluster's control planes, such as kube-apiserver,
    kube-controller-manager, kube-scheduler, etcd or kube-proxy. Logs are read from the machines
    over SSH, so they are available while the API is unreachable.
    """
    from ops.hosts.logs import LogRange
    from scripts.fleet import machine_logs
    from scripts.fleet.engine_run import inventory

    if lines is None:
        lines = LAST_LINES if since is None else -1
    log_range = LogRange(follow, None if lines < 0 else lines, since)
    cluster, slash, component = target.partition("/")
    if slash and unit:
        raise click.UsageError("UNIT needs a MACHINE, not CLUSTER/COMPONENT")
    if slash:
        control_planes = inventory(stack).control_planes(cluster)
        status = machine_logs.show_containers(control_planes, component, log_range)
    else:
        machine = inventory(stack).machine(target)
        status = machine_logs.show_unit(machine, unit or "kubelet", log_range)
    raise SystemExit(status)
