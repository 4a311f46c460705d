#!/usr/bin/env bash
# requires: lib
# settings: FLEET MARK FORMER_FLEET INDEX DOWNLOADS MIRRORS
# How a host becomes one of the fleet's machines and gets what its role needs. Only functions, run by
# the program itself over SSH, as root.
INCOMING=$ARTIFACTS/incoming

# claim_host: claim this host for FLEET and NODE_NAME, and list what it has already.
claim_host() {
  lib_begin
  claim
  list_artifacts
}

# claim: claim this host for FLEET and NODE_NAME and print the claim: fleet, machine, a mark of the
# takeover. Of two fleets that try at once, one succeeds: the file is made or it is not.
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

# reassign_host: claim this host, which is FORMER_FLEET's, for FLEET: a fleet has got another key.
reassign_host() {
  lib_begin
  local fleet name mark
  IFS=$'\t' read -r fleet name mark <"$STATE/owner"
  [[ $fleet == "$FORMER_FLEET" && $name == "$NODE_NAME" ]] || return
  printf '%s\t%s\t%s\n' "$FLEET" "$name" "$mark" >"$STATE/owner.new"
  mv "$STATE/owner.new" "$STATE/owner"
}

# list_artifacts: print the sums of the artifacts that are here. What a connection that was cut off had
# already brought is kept if it is whole.
list_artifacts() {
  if [[ -d $INCOMING ]]; then
    (accept) >/dev/null 2>&1 || true
  fi
  find "$ARTIFACTS" -maxdepth 1 -type f -regextype posix-extended -regex '.*/[0-9a-f]{64}' -printf '%f\n'
}

# receive_artifacts: take in what is sent, and note it.
receive_artifacts() {
  lib_begin
  receive
  record_tables
}

# receive: read a tar of files that are named after their own sums from standard input, and keep those
# that are what they are called. Each is verified while the next one arrives: tar names a file when
# it begins with it.
receive() {
  rm -rf "$INCOMING"
  mkdir -p "$INCOMING"
  tar --extract --verbose --no-same-owner --no-same-permissions --directory "$INCOMING" |
    accept_finished ||
    die "the transfer of artifacts was incomplete" "run 'pulumi up' again: only missing files are sent"
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

# accept: keep every file of INCOMING that is what it is called; name those that are not.
accept() {
  local file damaged
  for file in "$INCOMING"/*; do
    [[ -f $file ]] && keep_if_complete "${file##*/}" &
  done
  wait
  damaged=$(ls "$INCOMING")
  rm -rf "$INCOMING"
  [[ -z $damaged ]] ||
    die "artifacts were corrupted in transit: $damaged" "run 'pulumi up' again: only missing files are sent"
}

keep_if_complete() { # SUM
  cd "$INCOMING" && echo "$1  $1" | sha256sum --check --status 2>/dev/null && mv "$1" ..
}

# sync_artifacts: note what is here, where nothing has to be sent.
sync_artifacts() {
  lib_begin
  record_tables
}

# record_tables: note what prepare installs from (INDEX, DOWNLOADS, MIRRORS), and drop what nobody needs.
record_tables() {
  local name
  record_table index "$INDEX"
  record_table downloads "$DOWNLOADS"
  record_table mirrors "$MIRRORS"
  for name in $(list_artifacts); do
    grep -q "^$name" "$ARTIFACTS/index" || rm -f "$ARTIFACTS/$name"
  done
}

record_table() { # NAME CONTENT
  printf '%s' "$2" >"$ARTIFACTS/$1.new"
  mv "$ARTIFACTS/$1.new" "$ARTIFACTS/$1"
}
