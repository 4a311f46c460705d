"""Durations in Go's form, as Kubernetes' flags and documents have them."""

from datetime import timedelta


def go_duration(value: timedelta) -> str:
    """Return a duration of whole seconds as Go prints it: "8760h0m0s", "20m0s", "45s"."""
    minutes, seconds = divmod(int(value.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{seconds}s"
    return f"{minutes}m{seconds}s" if minutes else f"{seconds}s"
