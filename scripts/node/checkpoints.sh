#!/usr/bin/env bash
# requires: lib
# settings: KUBELET_RECORDS
# The kubelet's own records of which container has which CPUs and memory. It refuses to start with a
# record of another policy or of other reserved resources: "drain this node and delete the checkpoint
# file". A pending change has the names of those that it makes unusable. Only functions.
#
# KUBELET_RECORDS has a line for each: its name, the field with the policy, and the fields that are
# recorded with it. ops/rollout/checkpoints.py lists them, and has the sources.
CHECKPOINTS=/var/lib/kubelet

# outdated_checkpoints OLD NEW: print the names of the records that a change between these
# configurations of the kubelet makes unusable.
outdated_checkpoints() {
  local name fields
  while read -r name fields; do
    # shellcheck disable=SC2086
    ! is_outdated "$1" "$2" $fields || echo "$name"
  done <<<"$KUBELET_RECORDS"
}

# is_outdated OLD NEW POLICY FIELD...: does a field differ, and is the policy in use before or after?
is_outdated() {
  local old=$1 new=$2 policy=$3 field
  shift 2
  grep -qiE "^$policy: *\"?static" "$old" "$new" 2>/dev/null || return
  for field in "$@"; do
    [[ $(field_of "$old" "$field") == "$(field_of "$new" "$field")" ]] || return 0
  done
  return 1
}

# field_of FILE NAME: print a field of a YAML document, with the lines that belong to it.
field_of() {
  awk -v name="$2:" '
    /^[^ #-]/ { inside = $1 == name }
    inside' "$1" 2>/dev/null
}

# remove_checkpoints: keep the kubelet's outdated records for a rollback; it makes new ones.
remove_checkpoints() {
  local name
  [[ -f $PENDING_CHANGE/checkpoints ]] || return 0
  while read -r name; do
    if [[ -f $CHECKPOINTS/$name && ! -e $PENDING_CHANGE/old/$name ]]; then
      say "removing the kubelet's $name"
      mv "$CHECKPOINTS/$name" "$PENDING_CHANGE/old/$name"
    fi
  done <"$PENDING_CHANGE/checkpoints"
}

# restore_checkpoints: restore the former records, or at least remove those of the failed change.
restore_checkpoints() {
  local name
  [[ -f $PENDING_CHANGE/checkpoints ]] || return 0
  while read -r name; do
    rm -f "$CHECKPOINTS/$name"
    [[ ! -f $PENDING_CHANGE/old/$name ]] || mv "$PENDING_CHANGE/old/$name" "$CHECKPOINTS/$name"
  done <"$PENDING_CHANGE/checkpoints"
  rm -f "$PENDING_CHANGE/checkpoints"
}
