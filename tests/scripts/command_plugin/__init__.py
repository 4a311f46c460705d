"""The behaviour of a `command` resource plugin, whichever executable serves it."""
