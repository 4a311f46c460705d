#!/usr/bin/env bash
# requires: lib original_state space
# settings: FLEET MARK FORMER_FLEET INDEX DOWNLOADS ARTIFACT_BYTES IMAGE_BYTES
# Enrollment of a host as one of the fleet's machines, and the transfer of its artifacts. Only
# functions, run over SSH as root.
INCOMING=$ARTIFACTS/incoming

# claim_host: claim this host for FLEET and NODE_NAME, record its original state before anything else
# changes it, and list its artifacts.
claim_host() {
  # The claim itself verifies that no other machine is enrolled on this host.
  MACHINE_ID=$(machine_identity)
  lib_begin
  claim
  record_original_state
  list_artifacts
}

# claim: claim this host for FLEET and NODE_NAME and print the claim: fleet, machine, and a mark of the
# enrollment. Of two concurrent fleets one succeeds: the file is created exclusively.
claim() {
  mkdir -p "$ARTIFACTS"
  # shellcheck disable=SC2153
  (set -o noclobber && printf '%s\t%s\t%s\n' "$FLEET" "$NODE_NAME" "$MARK" >"$STATE/owner") \
    2>/dev/null || true
  cat "$STATE/owner"
  local fleet name
  IFS=$'\t' read -r fleet name _ <"$STATE/owner"
  [[ $fleet == "$FLEET" && $name == "$NODE_NAME" ]]
}

# reassign_host: reassign this host from FORMER_FLEET to FLEET: the fleet's key was replaced.
reassign_host() {
  lib_begin
  local fleet name mark
  IFS=$'\t' read -r fleet name mark <"$STATE/owner"
  [[ $fleet == "$FORMER_FLEET" && $name == "$NODE_NAME" ]] || return
  printf '%s\t%s\t%s\n' "$FLEET" "$name" "$mark" >"$STATE/owner.new"
  mv "$STATE/owner.new" "$STATE/owner"
}

# list_artifacts: print the checksums of the artifacts on this host. Complete files of an interrupted
# transfer are kept.
list_artifacts() {
  if [[ -d $INCOMING ]]; then
    (accept) >/dev/null 2>&1 || true
  fi
  find "$ARTIFACTS" -maxdepth 1 -type f -regextype posix-extended -regex '.*/[0-9a-f]{64}' -printf '%f\n'
}

# receive_artifacts: receive artifacts of ARTIFACT_BYTES, and record the tables. IMAGE_BYTES are what the
# images among them need once they are unpacked.
receive_artifacts() {
  lib_begin as-is
  need_space "$ARTIFACTS" "$ARTIFACT_BYTES" "artifacts"
  need_space /var/lib/containerd "$IMAGE_BYTES" "unpacked images"
  check_space "nothing was sent"
  receive
  record_tables
}

# receive: read a tar of files named by their checksums from standard input, and keep the intact ones.
# Each is verified while the next one arrives: tar prints a file's name when it starts to extract it.
receive() {
  rm -rf "$INCOMING"
  mkdir -p "$INCOMING"
  tar --extract --verbose --no-same-owner --no-same-permissions --directory "$INCOMING" |
    accept_finished ||
    die "the transfer of artifacts was incomplete" "run 'fleet up' again: only missing files are sent"
  accept
}

accept_finished() {
  local name finished=''
  while read -r name; do
    [[ -z $finished ]] || keep_if_complete "$finished" &
    finished=$name
  done
  wait
}

# accept: keep every intact file of INCOMING; name the corrupt ones.
accept() {
  local file damaged
  for file in "$INCOMING"/*; do
    [[ -f $file ]] && keep_if_complete "${file##*/}" &
  done
  wait
  damaged=$(ls "$INCOMING")
  rm -rf "$INCOMING"
  [[ -z $damaged ]] ||
    die "artifacts were corrupted in transit: $damaged" "run 'fleet up' again: only missing files are sent"
}

keep_if_complete() { # SUM
  cd "$INCOMING" && echo "$1  $1" | sha256sum --check --status 2>/dev/null && mv "$1" ..
}

# sync_artifacts: record the tables if no artifact has to be sent.
sync_artifacts() {
  lib_begin as-is
  record_tables
}

# record_tables: record prepare's tables (INDEX, DOWNLOADS), and remove unused artifacts.
record_tables() {
  local name
  record_table index "$INDEX"
  record_table downloads "$DOWNLOADS"
  for name in $(list_artifacts); do
    grep -q "^$name" "$ARTIFACTS/index" || rm -f "$ARTIFACTS/$name"
  done
}

record_table() { # NAME CONTENT
  printf '%s' "$2" >"$ARTIFACTS/$1.new"
  mv "$ARTIFACTS/$1.new" "$ARTIFACTS/$1"
}
