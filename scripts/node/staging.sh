#!/usr/bin/env bash
# requires: lib configure install
# settings: KUBERNETES_VERSION
# Programs of a version that this machine is to run but does not run yet. `prepare` lays them out
# below STAGED as they will lie below /; a node operation moves them into place. Only functions.
STAGED=$STATE/staged/$KUBERNETES_VERSION

# wanted_program NAME: where the wanted version of a program lies: staged, or in place already.
wanted_program() {
  if [[ -x $STAGED/usr/local/bin/$1 ]]; then
    echo "$STAGED/usr/local/bin/$1"
  else
    echo "/usr/local/bin/$1"
  fi
}

# require_staged: refuse to go on without the wanted version on this machine.
require_staged() {
  local name found
  for name in kubeadm kubelet; do
    found=$(version_of "$(wanted_program $name)")
    [[ $found == "$KUBERNETES_VERSION" ]] ||
      die "Kubernetes $KUBERNETES_VERSION is not staged here: $name is ${found:-missing}" \
        "run 'pulumi up' again: the step prepare stages it first"
  done
}

version_of() { # PROGRAM
  case ${1##*/} in
    kubeadm) "$1" version --output short 2>/dev/null || true ;;
    *) "$1" --version 2>/dev/null | awk '{print $2}' || true ;;
  esac
}

# staged_programs: the staged files, as paths below /.
staged_programs() {
  [[ -d $STAGED ]] || return 0
  find "$STAGED" -type f ! -name '*.new' -printf '/%P\n'
}

# use_staged: move what is staged into place, each file in one step, and note it. What is moved
# already stays moved, so that a killed run goes on where it was.
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
