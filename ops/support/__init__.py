"""Gathers what a colleague needs of a cluster into one archive, without secrets.

Everything passes a redactor on its way into the collection, and nothing else is ever on a disk.
"""
