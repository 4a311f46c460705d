#!/usr/bin/env bash
# requires: paths
# settings: FILTERS OLDEST_ROTATION
# This control plane's audit log: the lines that pass all FILTERS, unmodified, oldest file first. Runs as
# root, changes nothing, and needs neither the API nor the container runtime.
#   FILTERS           one after another: an option of grep, then a pattern on each line. No pattern
#                     begins with a hyphen
#   OLDEST_ROTATION   files that were rotated before this time are skipped; "" for none. Times have the
#                     form that the API server gives them in names: 2026-11-26T21-00-00.000
# Standard output has lines of the log only. On standard error, fields are separated by tabs:
#   begins TIME       the log's oldest event; nothing if it has none
NO_AUDIT_LOG=3
CURRENT_LOG=$AUDIT_FOLDER/audit.log
# A power cut may leave one line of any length, which must not use up the control plane's memory.
MOST_KIB=262144
FIRST_LINES_BYTES=8388608

audit_log() {
  export LC_ALL=C
  set -o pipefail
  [[ -d $AUDIT_FOLDER ]] || return "$NO_AUDIT_LOG"
  yield_to_others
  local options=() patterns=() stamps=() current='' rotated stamp
  read_filters
  # Opened first: if it is rotated meanwhile, it is the same file under another name.
  { exec {current}<"$CURRENT_LOG"; } 2>/dev/null || current=''
  mapfile -t stamps < <(rotations)
  report_beginning
  for stamp in "${stamps[@]}"; do
    if [[ ! $stamp < $OLDEST_ROTATION ]] && open_rotated "$stamp"; then
      give "$rotated" filtered 0 || return
      exec {rotated}<&-
    fi
  done
  [[ -z $current ]] || filtered 0 <&"$current"
}

# yield_to_others: the API server and etcd come first.
yield_to_others() {
  renice -n 19 -p "$$" >/dev/null 2>&1 || true
  ionice -c 2 -n 7 -p "$$" 2>/dev/null || true
  ulimit -v "$MOST_KIB"
}

read_filters() {
  local line
  while IFS= read -r line; do
    if [[ $line == --* ]]; then
      options+=("$line")
      patterns+=('')
    else
      # Several lines are several patterns to grep.
      patterns[-1]+=${patterns[-1]:+$'\n'}$line
    fi
  done < <(printf '%s' "$FILTERS")
}

# rotations: print when files were rotated, the oldest first. Another file's name is not of this form.
rotations() {
  find "$AUDIT_FOLDER" -maxdepth 1 -type f -printf '%f\n' |
    sed --quiet --regexp-extended 's/^audit-([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}-[0-9]{2}-[0-9]{2}\.[0-9]{3})\.log(\.gz)?$/\1/p' |
    sort --unique
}

# open_rotated STAMP: open the file that was rotated then, as descriptor `rotated`. One that was removed
# meanwhile, because it is old or was compressed, and the current one under its new name are no files.
open_rotated() {
  local path
  for path in "$AUDIT_FOLDER/audit-$1.log" "$AUDIT_FOLDER/audit-$1.log.gz"; do
    if [[ -n $current && $path -ef /proc/self/fd/$current ]]; then return 1; fi
    if { exec {rotated}<"$path"; } 2>/dev/null; then return 0; fi
  done
  return 1
}

# give DESCRIPTOR COMMAND...: run the command on the text of a file, which may be compressed.
give() {
  local file=$1
  shift
  if [[ $(head --bytes=2 "/proc/self/fd/$file" | od --address-radix=n --format=x1) == ' 1f 8b' ]]; then
    zcat <&"$file" | "$@"
  else
    "$@" <&"$file"
  fi
}

# filtered NUMBER: print what filter NUMBER and those behind it keep of standard input.
filtered() {
  if (($1 + 1 < ${#options[@]})); then
    matching "$1" | filtered "$(($1 + 1))"
  else
    matching "$1"
  fi
}

matching() {
  grep --text "${options[$1]}" --regexp="${patterns[$1]}" || (($? == 1))
}

report_beginning() {
  local begins=''
  if [[ -n ${stamps[0]:-} ]] && open_rotated "${stamps[0]}"; then
    begins=$(give "$rotated" first_time 2>/dev/null)
    exec {rotated}<&-
  fi
  [[ -n $begins || -z $current ]] || begins=$(first_time <"/proc/self/fd/$current")
  [[ -z $begins ]] || printf 'begins\t%s\n' "$begins" >&2
}

# first_time: print the time of the first event. Whatever a request says, the last field of the name on a
# line is the API server's own.
first_time() {
  head --bytes="$FIRST_LINES_BYTES" |
    sed --quiet '/^{"kind":"Event",/{s/.*"stageTimestamp":"\([0-9TZ:.-]*\)".*/\1/p;t end};b;:end;q'
}
