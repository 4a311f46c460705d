#!/usr/bin/env bash
# requires: lib cgroups changed credentials managed staging
# settings: NODE_ADDRESS KUBERNETES_VERSION
# The only place where files of the program are written on a machine: it writes the differences to a
# table (managed.sh), removes what the table no longer has, and records the table. Only functions.
# Folders that were created for files, to be removed when they are empty.
FOLDERS=$STATE/folders
# The parts whose files name facts of this host and credentials. They have no text of the config's.
TEMPLATES=" containerd mirrors load-balancer "

# write_files TABLE PARTS: bring the files of these parts to TABLE. Until record_files, the parts are
# pending.
write_files() {
  local table=$1 parts=$2 path mode part content
  local -A wanted=()
  {
    [[ ! -f $MANAGED_PENDING ]] || cat "$MANAGED_PENDING"
    [[ ! -f $MANAGED ]] || lines_of "$parts" "$MANAGED"
    lines_of "$parts" <<<"$table"
  } | sort --unique >"$MANAGED_PENDING.new"
  mv "$MANAGED_PENDING.new" "$MANAGED_PENDING"
  while IFS=$'\t' read -r path _; do
    [[ -z $path ]] || wanted[$path]=yes
  done <<<"$table"
  while IFS=$'\t' read -r path mode part content; do
    write_file "$path" "$mode" "$part" "$content"
  done < <(lines_of "$parts" <<<"$table")
  while IFS=$'\t' read -r path _; do
    [[ -v wanted[$path] ]] || remove_file "$path"
  done < <(lines_of "$parts" "$MANAGED_PENDING")
  remove_folders
}

# record_files TABLE PARTS: record that the files of these parts are those of TABLE, and in use.
record_files() {
  {
    [[ ! -f $MANAGED ]] || lines_beside "$2" "$MANAGED"
    lines_of "$2" <<<"$1"
  } >"$MANAGED.new"
  mv "$MANAGED.new" "$MANAGED"
  lines_beside "$2" "$MANAGED_PENDING" >"$MANAGED_PENDING.new"
  mv "$MANAGED_PENDING.new" "$MANAGED_PENDING"
  [[ -s $MANAGED_PENDING ]] || rm -f "$MANAGED_PENDING"
}

# write_file PATH MODE PART CONTENT: write the base64 CONTENT to PATH atomically, unless it is there already.
write_file() {
  TEXT=$(base64 --decode <<<"$4")
  [[ $TEMPLATES != *" $3 "* ]] || fill_in
  if [[ -f $1 ]] && cmp --silent "$1" <(printf '%s\n' "$TEXT"); then
    [[ 0$(stat --format %a "$1") != "$2" ]] || return 0
    changed "$1"
    chmod "$2" "$1"
    return
  fi
  make_folder "${1%/*}"
  (umask 077 && printf '%s\n' "$TEXT" >"$1.new")
  chmod "$2" "$1.new"
  changed "$1"
  mv "$1.new" "$1"
}

# make_folder PATH: create a folder and its parents, and record those that are new.
make_folder() {
  [[ ! -d $1 ]] || return 0
  make_folder "${1%/*}"
  printf '%s\n' "$1" >>"$FOLDERS"
  mkdir "$1"
}

remove_file() { # PATH
  [[ ! -e $1 ]] || changed "$1"
  rm -f "$1" "$1.new"
}

# remove_folders: remove the folders that were created for files and are empty.
remove_folders() {
  [[ -f $FOLDERS ]] || return 0
  sort --reverse --unique "$FOLDERS" | xargs --no-run-if-empty rmdir --ignore-fail-on-non-empty 2>/dev/null || true
}

# fill_in: put facts of this host and credentials in place of their names in TEXT.
fill_in() {
  local name value
  for name in PAUSE_IMAGE SYSTEMD_CGROUP RESTRICT_OOM INTERFACE; do
    [[ $TEXT == *"@$name@"* ]] || continue
    value=$(host_fact $name)
    TEXT=${TEXT//"@$name@"/"$value"}
  done
  while [[ $TEXT =~ @CREDENTIALS:([^@]+)@ ]]; do
    name=${BASH_REMATCH[0]}
    value=$(credentials_of "${BASH_REMATCH[1]}")
    TEXT=${TEXT//"$name"/"$value"}
  done
}

host_fact() { # NAME
  case $1 in
    PAUSE_IMAGE) pause_image ;;
    SYSTEMD_CGROUP) systemd_cgroups ;;
    RESTRICT_OOM) must_restrict_oom ;;
    INTERFACE) node_interface ;;
  esac
}

# pause_image: print the sandbox image that the desired version's kubeadm expects.
pause_image() {
  local image
  image=$(awk -F '\t' '$2 == "image" && $3 == "pause" {print $4; exit}' "$ARTIFACTS/index" 2>/dev/null) || true
  if [[ -n $image ]]; then
    echo "$image"
  else
    "$(wanted_program kubeadm)" config images list --kubernetes-version "$KUBERNETES_VERSION" | grep /pause:
  fi
}

# must_restrict_oom: is lowering oom_score_adj forbidden here?
must_restrict_oom() {
  (echo -1 >/proc/self/oom_score_adj) 2>/dev/null && echo false || echo true
}

# node_interface: print the network interface that has this machine's address.
node_interface() {
  local interface
  interface=$(ip -oneline -4 address show to "$NODE_ADDRESS/32" | awk '{print $2; exit}')
  [[ -n $interface ]] || die "no network interface has the address $NODE_ADDRESS" \
    "set nodeAddress to one of the host's own addresses"
  echo "$interface"
}
