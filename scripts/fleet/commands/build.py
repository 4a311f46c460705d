"""Fetch or build what a stack's run needs."""

from scripts.build.ensure import main as command
from scripts.fleet.options import CONTEXT_SETTINGS, examples

command.context_settings = CONTEXT_SETTINGS
command.epilog = examples(
    "fleet build toolchain plugin             pulumi and its plugins",
    "fleet build -s prod bundle               what the clusters of prod run",
    "fleet build --also 1.37.2 bundle image   also for an upgrade",
)
