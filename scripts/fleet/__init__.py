"""The command `fleet`; its subcommands are the files in `commands`."""
