"""What a `command` resource plugin must do, whichever executable serves it."""
