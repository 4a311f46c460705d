#!/usr/bin/env bash
# requires: lib changed install
# settings: KUBERNETES_VERSION
# Staged programs of a version that this machine does not run yet. `prepare` puts them below STAGED
# with their paths below /; a node operation moves them into place. Only functions.
STAGED=$STATE/staged/$KUBERNETES_VERSION

# wanted_program NAME: print the path of the desired version of a program: staged or installed.
wanted_program() {
  if [[ -x $STAGED/usr/local/bin/$1 ]]; then
    echo "$STAGED/usr/local/bin/$1"
  else
    echo "/usr/local/bin/$1"
  fi
}

# require_staged: fail if the desired version is not on this machine.
require_staged() {
  local name found
  for name in kubeadm kubelet; do
    found=$(version_of "$(wanted_program $name)")
    [[ $found == "$KUBERNETES_VERSION" ]] ||
      die "Kubernetes $KUBERNETES_VERSION is not staged here: $name is ${found:-missing}" \
        "run 'fleet up' again: the step 'prepare' stages it first"
  done
}

version_of() { # PROGRAM
  case ${1##*/} in
    kubeadm) "$1" version --output short 2>/dev/null || true ;;
    *) "$1" --version 2>/dev/null | awk '{print $2}' || true ;;
  esac
}

# staged_programs: print the staged files, as paths below /.
staged_programs() {
  [[ -d $STAGED ]] || return 0
  find "$STAGED" -type f ! -name '*.new' -printf '/%P\n'
}

# use_staged: move the staged files into place, each atomically, and record them. Moved files stay
# moved, so that a killed run can be resumed.
use_staged() {
  local path
  while read -r path; do
    mkdir -p "${path%/*}"
    move_note "$STAGED$path" "$path"
    changed "$path"
    mv "$STAGED$path" "$path"
  done < <(staged_programs)
  rm -rf "$STAGED"
}
