"""The proxy of a machine: for its container runtime, and for programs that download something."""

from model.outbound import Outbound


def containerd_drop_in(outbound: Outbound) -> str:
    """Return the drop-in of containerd's unit; in units, `%` starts a specifier."""
    lines = outbound.environment.replace("%", "%%").splitlines()
    return "".join(("[Service]\n", *(f'Environment="{line}"\n' for line in lines)))
