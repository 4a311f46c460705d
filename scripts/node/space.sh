#!/usr/bin/env bash
# requires: lib
# Space and inodes that a step needs, on each file system that it writes to: checked before it stops
# or receives anything. Only functions.
# Left free in addition to what a step needs: logs and other programs keep writing.
SPACE_RESERVE=$((32 << 20))
INODES=500

# need_space PATH BYTES WHAT: add to what this step needs; PATH need not exist yet. SPACE_NEEDED has the
# bytes by mount point, SPACE_REASONS what they are for.
need_space() {
  local path=$1 mount
  declare -p SPACE_NEEDED >/dev/null 2>&1 || declare -gA SPACE_NEEDED=() SPACE_REASONS=()
  until [[ -e $path ]]; do
    path=${path%/*}
    path=${path:-/}
  done
  mount=$(df --output=target "$path" | tail -n 1)
  SPACE_NEEDED[$mount]=$((${SPACE_NEEDED[$mount]:-0} + $2))
  SPACE_REASONS[$mount]+="${SPACE_REASONS[$mount]:+, }$3 in $1"
}

# size_of PATH...: print how many bytes these files and folders have together; 0 if there are none.
size_of() {
  du --summarize --total --bytes "$@" 2>/dev/null | tail -n 1 | cut -f 1
}

# check_space WHAT: fail if any file system lacks space for what was added; WHAT was left undone.
check_space() {
  local mount free inodes total needed problem=''
  for mount in "${!SPACE_NEEDED[@]}"; do
    read -r free inodes total < <(df --block-size=1 --output=avail,iavail,itotal "$mount" | tail -n 1)
    needed=$((SPACE_NEEDED[$mount] + SPACE_RESERVE))
    if ((free < needed)); then
      problem+="${problem:+; }$(in_mib "$free") free on $mount, $(in_mib "$needed") needed (${SPACE_REASONS[$mount]})"
    fi
    # File systems without a fixed number of inodes report 0 or -.
    if [[ $total =~ ^[1-9] ]] && ((inodes < INODES)); then
      problem+="${problem:+; }$inodes inodes free on $mount, $INODES needed (${SPACE_REASONS[$mount]})"
    fi
  done
  # An assignment would make them plain arrays if nothing was added.
  unset SPACE_NEEDED SPACE_REASONS
  [[ -z $problem ]] || die "not enough space: $problem; $1" \
    "remove what is not needed ('journalctl --vacuum-size=200M', 'du -xh --max-depth=2' on that path), then run 'fleet up' again"
}

in_mib() { # BYTES
  printf '%d MiB' $((($1 + (1 << 20) - 1) >> 20))
}
