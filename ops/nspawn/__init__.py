"""systemd-nspawn machines on this host: disk, network, cgroups and process."""
