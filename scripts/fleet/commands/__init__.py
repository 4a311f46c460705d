"""The subcommands of `fleet`, one a file: each exposes `command`, a click command.

The file's first docstring line is the subcommand's line in `fleet --help`. Heavy imports belong
into the functions that use them.
"""
