"""Kernel limits of this host that all machines share."""

from contextlib import suppress
from pathlib import Path

# systemd, containerd and the kubelet of one machine take about twenty inotify instances. Most
# distributions allow a user 128, and all machines together are root: the seventh machine's
# containerd would start without its CRI plugin.
INSTANCES = Path("/proc/sys/fs/inotify/max_user_instances")
NEEDED_INSTANCES = 1024


def raise_inotify_limit() -> None:
    """Raise the limit until the next boot; it is never lowered, since others may rely on it."""
    if int(INSTANCES.read_text()) < NEEDED_INSTANCES:
        # Inside a container the limit is the outer host's, and may not be written.
        with suppress(OSError):
            INSTANCES.write_text(str(NEEDED_INSTANCES))
