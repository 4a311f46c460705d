"""The version skew policy: which upgrades of a cluster are possible."""

from model.versions import parse, parse_recorded


def problem(recorded: str, wanted: str) -> str | None:
    """Return why a cluster at `recorded` cannot be upgraded to `wanted`; None if it can.

    https://kubernetes.io/releases/version-skew-policy/ and kubeadm's own rules: one minor at a
    time, and never back.
    """
    there, target = parse_recorded(recorded), parse(wanted)
    if target < there:
        return (
            f"{target} is older than {there}, which the cluster runs: neither etcd nor the API "
            f"server can be downgraded; set {there}, or restore a snapshot into a new cluster"
        )
    if target.minor > there.minor + 1:
        through = ", ".join(f"1.{minor}" for minor in range(there.minor + 1, target.minor))
        return (
            f"{there} cannot be upgraded to {target} in one step: kubeadm upgrades one minor at a "
            f"time; upgrade to {through} first"
        )
    return None
