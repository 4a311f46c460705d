"""Proves the README's commands on a fresh machine: a root with nothing but git and make."""
