"""Existing hosts: reached over SSH, inspected, enrolled, provisioned, and released."""
