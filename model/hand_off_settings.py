"""The registrations of a cluster, from its settings."""

from model.config.durations import parse_seconds
from model.config.hand_off import HandOff
from model.hand_off import TOOLS, Registration


def of(settings: HandOff) -> tuple[Registration, ...]:
    """Return where a cluster is registered."""
    tools = {name: getattr(settings, name) for name in TOOLS}
    return tuple(
        Registration(
            tool=name,
            cluster=tool.cluster,
            namespace=tool.namespace,
            role=tool.role,
            lifetime_seconds=parse_seconds(tool.lifetime),
            annotations=tool.annotations,
        )
        for name, tool in tools.items()
        if tool.cluster is not None and tool.enabled
    )
