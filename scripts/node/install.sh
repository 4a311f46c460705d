#!/usr/bin/env bash
# requires: lib changed images proxy space
# Installs the missing artifacts of a host's role. Everything is verified before anything is
# installed. Only functions.
#
# ARTIFACTS has two tables (ops/hosts/artifacts.py): the index of sent artifacts (binaries, images
# and the table of files), and the downloads for the host.
# Installed files are recorded, so that a reset can remove them: in STATE/files (path, origin, size
# and time of the file) and STATE/images (reference, checksum).
FETCHED=$ARTIFACTS/fetched
# The downloads of a role, and their installed files.
DOWNLOADED_BYTES=$((768 << 20))
# The root of the installation: /, or the staging folder (staging.sh).
INSTALL_ROOT=''

install_artifacts() {
  read_notes
  install_binaries
  install_downloads
}

# has_artifacts KIND: does the index list artifacts of this kind?
has_artifacts() {
  awk -F '\t' -v kind="$1" '$2 == kind {found = 1} END {exit !found}' "$ARTIFACTS/index" 2>/dev/null
}

# install_binaries: install every binary of the index that is not installed.
install_binaries() {
  [[ -s $ARTIFACTS/index ]] || return 0
  local -A wanted=()
  local sum kind name where
  while IFS=$'\t' read -r sum kind name where; do
    if [[ $kind == binary ]] && ! is_there "$where" "$sum"; then
      wanted[$where]=$sum
    fi
  done <"$ARTIFACTS/index"
  verify "${wanted[@]}"
  for where in "${!wanted[@]}"; do
    need_place "$ARTIFACTS/${wanted[$where]}" "$INSTALL_ROOT$where"
  done
  check_space "nothing was installed"
  for where in "${!wanted[@]}"; do
    put "$ARTIFACTS/${wanted[$where]}" "$INSTALL_ROOT$where" "${wanted[$where]}"
  done
}

# import_images: import every image of the index that the container runtime does not have as it was
# sent, and pin it.
import_images() {
  [[ -s $ARTIFACTS/index ]] || return 0
  local -A have=() wanted=()
  local sum reference status
  while read -r reference; do
    have[$reference]=unknown
  done < <(ctr_images list --quiet 2>"$LOGS/images.log")
  if [[ -f $IMAGES ]]; then
    while IFS=$'\t' read -r reference sum; do
      [[ -v have[$reference] ]] && have[$reference]=$sum
    done <"$IMAGES"
  fi
  while read -r sum reference; do
    [[ ${have[$reference]:-} == "$sum" ]] || wanted[$reference]=$sum
  done < <(indexed_images)
  while read -r reference status sum; do
    if [[ $status == unpinned ]]; then pin_image "$reference"; else wanted[$reference]=$sum; fi
  done < <(damaged_images)
  ((${#wanted[@]})) || return 0
  verify "${wanted[@]}"
  forget_lost_content
  say "importing $(counted ${#wanted[@]} image)"
  for reference in "${!wanted[@]}"; do
    logged "import-${reference//\//_}" \
      ctr_images import --local --label "$PINNED_LABEL=pinned" "$ARTIFACTS/${wanted[$reference]}"
    record_image "$reference" "${wanted[$reference]}"
  done
}

# install_downloads: fetch, verify and install every file of the downloads that is not installed.
install_downloads() {
  [[ -s $ARTIFACTS/downloads ]] || return 0
  local -A wanted=() sums=() members=()
  local where url sum_url member
  while IFS=$'\t' read -r where url sum_url member; do
    if ! is_there "$where" "$url"; then
      wanted[$where]=$url
      members[$where]=$member
      sums[$url]=$sum_url
    fi
  done <"$ARTIFACTS/downloads"
  ((${#wanted[@]})) || return 0
  need_space "$FETCHED" "$DOWNLOADED_BYTES" "downloads"
  check_space "nothing was downloaded"
  say "downloading $(counted ${#sums[@]} file)"
  mkdir -p "$FETCHED"
  fetch_all
  local unpacked=$FETCHED/unpacked
  for where in "${!wanted[@]}"; do
    member=${members[$where]}
    [[ $member == - ]] || unpack "$(fetched "${wanted[$where]}")" "$unpacked" "$member"
    need_place "$(file_of "$where")" "$INSTALL_ROOT$where"
  done
  check_space "nothing was installed"
  for where in "${!wanted[@]}"; do
    put "$(file_of "$where")" "$INSTALL_ROOT$where" "${wanted[$where]}"
  done
  rm -rf "$FETCHED"
}

# file_of WHERE: print the fetched or unpacked file that is installed there.
file_of() {
  local member=${members[$1]}
  if [[ $member == - ]]; then fetched "${wanted[$1]}"; else echo "$unpacked/$member"; fi
}

# need_place FILE PATH: a file system of its own, such as /usr/local's, may be small.
need_place() {
  need_space "${2%/*}" "$(stat --format %s "$1")" "${2##*/}"
}

# fetch_all: fetch every URL of `sums` in parallel; the step fails after all have finished.
fetch_all() {
  local url running=() failed=0 process
  for url in "${!sums[@]}"; do
    fetch "$url" "${sums[$url]}" &
    running+=($!)
  done
  for process in "${running[@]}"; do
    wait "$process" || failed=1
  done
  ((failed == 0)) || die "downloads failed (details above); nothing was installed" \
    "fix the network, artifacts.mirror or proxy, and run 'fleet up' again"
}

# fetch URL SUM: download a file and verify its checksum, given as sha256:HEX or by its URL.
fetch() {
  local url=$1 sum_url=$2 file sums_file expected found
  file=$(fetched "$url")
  sums_file=$file.sums
  if [[ $sum_url == sha256:* ]]; then
    echo "${sum_url#sha256:}" >"$sums_file"
  else
    download "$sum_url" "$sums_file" || return
  fi
  expected=$(awk -v name="${url##*/}" '
    NF == 1 || $2 == name || $2 == "*" name { print tolower($1); exit }' "$sums_file")
  if [[ ! $expected =~ ^[0-9a-f]{64}$ ]]; then
    echo "$sum_url has no sha256 checksum for ${url##*/}: the download cannot be verified" >&2
    return 1
  fi
  if has_sum "$expected" "$file"; then
    return
  fi
  download "$url" "$file.part" || return
  found=$(sha256sum "$file.part")
  found=${found%% *}
  if [[ $found != "$expected" ]]; then
    rm -f "$file.part"
    echo "$url: checksum mismatch: got $found, expected $expected" >&2
    return 1
  fi
  mv "$file.part" "$file"
}

# download URL FILE: through the proxy, with retries of transient errors.
download() {
  proxied curl --disable --silent --show-error --fail --location --retry 3 --retry-connrefused --connect-timeout 10 \
    --speed-limit 1024 --speed-time 30 --output "$2" "$1" 2>"$2.log" && return
  rm -f "$2"
  echo "$1: $(tail -n 1 "$2.log")" >&2
  return 1
}

fetched() { # URL: the path of its file during the download
  local name=${1//[^[:alnum:].]/_}
  echo "$FETCHED/$name"
}

unpack() { # ARCHIVE FOLDER MEMBER
  mkdir -p "$2"
  logged unpack tar --extract --gzip --no-same-owner --file "$1" --directory "$2" "$3"
}

# read_notes: load the recorded (NOTED) and the current (PRESENT) files, by path.
read_notes() {
  declare -gA NOTED=() PRESENT=()
  local path origin size time
  [[ -f $STATE/files ]] || return 0
  while IFS=$'\t' read -r path origin size time; do
    NOTED[$path]="$origin $size $time"
  done <"$STATE/files"
  while read -r path size time; do
    PRESENT[$path]="$size $time"
  done < <(stat --format '%n %s %.Y' "${!NOTED[@]}" 2>/dev/null)
}

# is_intact PATH ORIGIN: was PATH installed from ORIGIN and not modified since?
is_intact() {
  [[ -v PRESENT[$1] && ${NOTED[$1]} == "$2 ${PRESENT[$1]}" ]]
}

# is_there PATH ORIGIN: is it intact, installed or staged?
is_there() {
  is_intact "$1" "$2" || is_intact "$INSTALL_ROOT$1" "$2"
}

# put FILE PATH ORIGIN: install a verified file atomically, and record it beforehand.
put() {
  local size time
  install -D -m 0755 "$1" "$2.new"
  read -r size time < <(stat --format '%s %.Y' "$2.new")
  printf '%s\t%s\t%s\t%s\n' "$2" "$3" "$size" "$time" >>"$STATE/files"
  changed "$2"
  mv "$2.new" "$2"
}

# move_note FROM TO: record that the file FROM is about to be moved to TO.
move_note() {
  awk -v from="$1" -v to="$2" 'BEGIN {FS = OFS = "\t"} $1 == from {$1 = to; line = $0}
    END {if (line) print line}' "$STATE/files" >"$STATE/files.moved"
  cat "$STATE/files.moved" >>"$STATE/files"
  rm -f "$STATE/files.moved"
}

# verify SUM...: verify the checksums of artifacts, in parallel.
verify() {
  (($#)) || return 0
  local damaged
  # shellcheck disable=SC2016
  damaged=$(cd "$ARTIFACTS" && printf '%s\0' "$@" |
    xargs --null --max-args=1 --max-procs="$(nproc)" bash -c '
      echo "$1  $1" | sha256sum --check --status 2>/dev/null || echo "$1"' verify)
  [[ -z $damaged ]] && return
  (cd "$ARTIFACTS" && xargs rm -f <<<"$damaged")
  die "artifacts corrupt or missing; nothing was installed: $damaged" \
    "run 'fleet refresh' and 'fleet up' to send them again"
}

has_sum() { # SUM PATH
  [[ -f $2 ]] && echo "$1  $2" | sha256sum --check --status
}
