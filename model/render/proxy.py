"""The proxy of a machine: for its container runtime, and for programs that download something."""

from model.outbound import VARIABLES, Outbound


def containerd_drop_in(outbound: Outbound) -> str:
    """Return the drop-in of containerd's unit; in units, `%` starts a specifier."""
    lines = outbound.environment.replace("%", "%%").splitlines()
    names = {line.partition("=")[0] for line in lines}
    others = " ".join(name for name in VARIABLES if name not in names)
    # The empty assignment takes back the unit's own line, which would drop these as well.
    unset = ("UnsetEnvironment=\n", f"UnsetEnvironment={others}\n")
    return "".join(("[Service]\n", *unset, *(f'Environment="{line}"\n' for line in lines)))
