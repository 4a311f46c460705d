#!/usr/bin/env bash
# requires: lib
# What the next boot of a host would bring back: a Node that works today would not work then. Only
# functions that read.
SYSCTL_FOLDERS=(/etc/sysctl.d /run/sysctl.d /usr/local/lib/sysctl.d /usr/lib/sysctl.d)
OWN_SYSCTL=90-kubeadm-fleet.conf

# inactive_swaps: print the units of swap that is switched off, and not masked.
inactive_swaps() {
  systemctl list-units --all --plain --no-legend --type=swap 2>/dev/null |
    awk '$2 == "loaded" && $3 == "inactive" {print $1}'
}

# stopped_services NAME...: print those that are not running, but enabled.
stopped_services() {
  local unit
  systemctl list-unit-files --no-legend --state=enabled "$@" 2>/dev/null | while read -r unit _; do
    systemctl is-active --quiet "$unit" || echo "$unit"
  done
}

# later_settings: print FILE,SETTING,VALUE of the kernel settings for forwarding whose last assignment
# is in a file that is read after ours: sysctl.d(5).
later_settings() {
  # shellcheck disable=SC2016
  later_sysctl_files | xargs --no-run-if-empty awk -F = '
    !/^[ \t]*[#;]/ && NF > 1 {
      setting = $1; value = $2
      gsub(/^[ \t]*-?|[ \t]+$/, "", setting)
      gsub("/", ".", setting)
      gsub(/[ \t]/, "", value)
      if (setting ~ /^net\.(ipv4\.(ip_forward|conf\.(all|default)\.forwarding)|bridge\.)/)
        last[setting] = FILENAME "," setting "," value
    }
    END {for (setting in last) print last[setting]}'
}

# later_sysctl_files: a file replaces those of the same name in later folders; /etc/sysctl.conf is read
# by `sysctl --system`, and at the boot where 99-sysctl.conf is a link to it.
later_sysctl_files() {
  local name folder
  find "${SYSCTL_FOLDERS[@]}" -maxdepth 1 -name '*.conf' -printf '%f\n' 2>/dev/null | sort -u |
    while read -r name; do
      [[ $name > $OWN_SYSCTL ]] || continue
      for folder in "${SYSCTL_FOLDERS[@]}"; do
        if [[ -r $folder/$name ]]; then
          echo "$folder/$name"
          break
        fi
      done
    done
  [[ ! -r /etc/sysctl.conf ]] || echo /etc/sysctl.conf
}
