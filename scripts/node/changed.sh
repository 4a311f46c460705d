#!/usr/bin/env bash
# requires: paths
# Files that were written or installed but are not in use yet. Each is recorded before it is written,
# so that the next run puts the files of a killed run to use. Only functions.
CHANGED=()
CHANGED_RECORD=$STATE/changed

recall_changed() {
  if [[ -f $CHANGED_RECORD ]]; then
    mapfile -t CHANGED <"$CHANGED_RECORD"
  fi
}

forget_changed() {
  CHANGED=()
  rm -f "$CHANGED_RECORD"
}

changed() { # PATH
  CHANGED+=("$1")
  printf '%s\n' "$1" >>"$CHANGED_RECORD"
}

is_changed() { # BEGINNING_OF_A_PATH
  [[ " ${CHANGED[*]} " == *" $1"* ]]
}
