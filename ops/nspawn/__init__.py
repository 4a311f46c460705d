"""Machines of systemd-nspawn on this host: disk, network, cgroups and the process."""
