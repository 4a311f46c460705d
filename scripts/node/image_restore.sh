#!/usr/bin/env bash
# requires: lib enrollment images install runtime
# Restoring images that were removed from this machine. Only functions.

# restore_images: import and pin every damaged image, from its file on this machine or in the tar on
# standard input.
restore_images() {
  lib_begin
  receive
  start_runtime
  import_images
  # A container machine keeps no image archives: its image has them unpacked.
  [[ ! -f $STATE/installed ]] || forget_image_files
  local left
  left=$(damaged_images)
  [[ -z $left ]] || die "images are still damaged after their import: ${left//$'\n'/, }" \
    "containerd's data in /var/lib/containerd is damaged: replace the machine"
}
