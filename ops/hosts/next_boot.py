"""Services and settings of a host's next boot that would break its Node, each with a remedy."""

from collections.abc import Iterator

from model.render.kernel import SYSCTL
from ops.hosts.facts import Facts
from ops.hosts.leftovers import removal

# ip_forward sets the other two as well, and they can be set by themselves.
FORWARDING = ("net.ipv4.conf.all.forwarding", "net.ipv4.conf.default.forwarding")


def next_boot_problems(facts: Facts, *, swap: bool) -> Iterator[str]:
    """Yield what a host does not have now, but after its next boot; `swap` says if it may."""
    if facts.inactive_swaps and not swap:
        units = " ".join(f"'{unit}'" for unit in facts.inactive_swaps)
        yield (
            f"swap: {', '.join(facts.inactive_swaps)} is switched off until the next boot: run "
            f"`systemctl mask {units}`, or let the kubelet use swap with `kubelet: {{failSwapOn: "
            "false}`"
        )
    own = _own_settings()
    for file, setting, value in facts.later_settings:
        if setting in own and value != own[setting]:
            yield (
                f"kernel setting {setting}={value} in {file} would replace the Node's {setting}="
                f"{own[setting]} at the next boot: remove it there"
            )
    for service in facts.stopped_services:
        yield (
            f"service {service} is stopped, but starts at the next boot: run `{removal(service)}`"
        )


def _own_settings() -> dict[str, str]:
    pairs = (line.split(" = ") for line in SYSCTL.splitlines())
    return {name: value for name, value in pairs} | dict.fromkeys(FORWARDING, "1")
