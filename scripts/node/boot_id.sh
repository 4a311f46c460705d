#!/usr/bin/env bash
# requires: lib

# boot_id: print what identifies the current boot of this machine.
boot_id() {
  identify
  cat /proc/sys/kernel/random/boot_id
}
