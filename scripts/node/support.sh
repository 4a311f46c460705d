#!/usr/bin/env bash
# settings: PARTS BYTES LINES
# What a machine can tell somebody who looks for a fault, for `fleet support`. Changes nothing and runs
# as root. Only files and programs of the machine are used, so that it works without the API.
#   PARTS   a line for each part: its name, its kind, the subject, and how many seconds it may take,
#           separated by tabs
#   BYTES   how many bytes of each file or output at most, from the end
#   LINES   how many lines of a log at most
# A part is written as `part NAME`, lines of base64 (of gzip), and `end STATUS`, separated by tabs.
LOGS_OF_PODS=/var/log/pods

# support_facts: everything in PARTS, one after the other.
support_facts() {
  local name kind subject seconds
  while IFS=$'\t' read -r name kind subject seconds; do
    [[ -z $name ]] || "${kind}_part" "$name" "$subject" "$seconds"
  done <<<"$PARTS"
  printf 'complete\n'
}

# part NAME SECONDS COMMAND...: the end of what a command writes, errors included.
part() {
  local name=$1 seconds=$2 status
  shift 2
  printf 'part\t%s\n' "$name"
  timeout --kill-after=1 "$seconds" "$@" </dev/null 2>&1 | tail --bytes="$BYTES" | gzip -1 | base64
  status=${PIPESTATUS[0]}
  printf 'end\t%s\n' "$status"
}

# command_part NAME WORDS SECONDS
command_part() {
  local words
  read -ra words <<<"$2"
  part "$1" "$3" "${words[@]}"
}

# unit_part NAME UNIT SECONDS: its journal; UNIT may be a pattern.
unit_part() {
  part "$1" "$3" journalctl "--unit=$2" "--lines=$LINES" --output=short-iso-precise --no-hostname --quiet --no-pager
}

# files_part NAME PATTERN SECONDS: each file that matches, as a part below NAME.
files_part() {
  local file
  for file in $2; do
    [[ ! -f $file ]] || part "$1${file//[[:cntrl:]]/_}" "$3" tail --bytes="$BYTES" -- "$file"
  done
}

# pods_part NAME PATTERN SECONDS: the newest log of each container of the pods that match, and the one
# before it, which is of the container's previous run, or was rotated.
pods_part() {
  local folder file
  # shellcheck disable=SC2231
  for folder in "$LOGS_OF_PODS"/$2/*/; do
    [[ -d $folder ]] || continue
    find "$folder" -maxdepth 1 -type f -name '*.log*' ! -name '*.gz' -printf '%T@ %p\n' | sort --numeric-sort --reverse |
      head --lines=2 | cut --delimiter=' ' --fields=2- | while IFS= read -r file; do
      file=${file//[[:cntrl:]]/_}
      part "$1/${file#"$LOGS_OF_PODS"/}" "$3" tail --lines="$LINES" -- "$file"
    done
  done
}

# etcd_part NAME WORDS SECONDS: what etcdctl says in this machine's etcd container.
etcd_part() {
  local id words
  read -ra words <<<"$2"
  id=$(timeout 3 ctr --namespace k8s.io containers list --quiet 'labels."io.kubernetes.container.name"==etcd' 2>/dev/null |
    while read -r id; do
      timeout 3 ctr --namespace k8s.io tasks list 2>/dev/null | awk -v id="$id" '$1 == id && $3 == "RUNNING" {print $1}'
    done | head --lines=1)
  if [[ -z $id ]]; then
    part "$1" "$3" bash -c 'echo "no etcd container runs here"; exit 3'
    return
  fi
  part "$1" "$3" ctr --namespace k8s.io tasks exec --exec-id "support-$$-$RANDOM" "$id" "${words[@]}"
}
