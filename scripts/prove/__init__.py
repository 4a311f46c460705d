"""`make prove`: the README's commands on a fresh machine with nothing but git and make."""
