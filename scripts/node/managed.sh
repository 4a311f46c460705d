#!/usr/bin/env bash
# requires: paths
# The record of the files that kubeadm-fleet owns on this machine, written by files.sh. A table has a
# line for each file: path, mode, part and content (base64), separated by tabs
# (model/render/machine_files.py). Only functions.
MANAGED=$STATE/managed
# The former and the new lines of parts that are being applied: a killed run leaves no unknown file.
MANAGED_PENDING=$STATE/managed.pending

# lines_of PARTS [TABLE...]: print the lines of these parts of the tables, or of standard input.
lines_of() {
  local parts=$1
  shift
  awk -F '\t' -v parts=" $parts " 'index(parts, " " $3 " ")' "$@"
}

# lines_beside PARTS [TABLE...]: print the lines of all other parts.
lines_beside() {
  local parts=$1
  shift
  awk -F '\t' -v parts=" $parts " '!index(parts, " " $3 " ")' "$@"
}

# owned_lines: print the lines of every file that is or may be on this machine.
owned_lines() {
  cat "$MANAGED" "$MANAGED_PENDING" 2>/dev/null || true
}

# managed_paths: print the path of every file that is or may be on this machine.
managed_paths() {
  owned_lines | cut -f 1 | sort -u
}

# managed_parts: print each part and its digest (16 digits of the sha256 of its lines), or "pending" if
# its last change was interrupted.
managed_parts() {
  local part sum
  owned_lines | cut -f 3 | sort -u | while read -r part; do
    if [[ -f $MANAGED_PENDING && -n $(lines_of "$part" "$MANAGED_PENDING") ]]; then
      sum=pending
    else
      sum=$(lines_of "$part" "$MANAGED" | sha256sum)
    fi
    printf '%s\t%s\n' "$part" "${sum:0:16}"
  done
}
