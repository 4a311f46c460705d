#!/usr/bin/env bash
# requires: snapshots
# settings: OFFSET SNAPSHOT_NAME VERIFY
# Access to the snapshots of etcd that this control plane keeps: each was verified when it was taken.

# list_snapshots: print a line for each: name, size in bytes and state, separated by tabs. With VERIFY=yes
# each is read, and the state is intact or corrupt; otherwise it is kept. Before the last line: since how many
# seconds this machine is a member.
list_snapshots() {
  export LC_ALL=C
  local path checked=kept
  while read -r path; do
    [[ $VERIFY == no ]] || checked=$(has_own_checksum "$path" && echo intact || echo corrupt)
    printf '%s\t%s\t%s\n' "${path##*/}" "$(stat --format=%s "$path")" "$checked"
  done < <(oldest_snapshots 2>/dev/null)
  if [[ -s $STATE/member ]]; then
    printf 'member\t%s\n' $((EPOCHSECONDS - $(stat --format=%Y "$STATE/member")))
  fi
  echo complete
}

# send_snapshot: write SNAPSHOT_NAME to standard output, from its byte OFFSET on.
send_snapshot() {
  tail --bytes="+$((OFFSET + 1))" "$SNAPSHOTS/$SNAPSHOT_NAME"
}
