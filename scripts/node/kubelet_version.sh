#!/usr/bin/env bash
# The version of the kubelet in place. Only functions.
#
# The program takes 60 ms of a processor to say it, and a run looks at every machine. The answer is kept below /run,
# which no boot keeps, with what identifies the file: one that was replaced or written to has another inode or
# another time of its last change, which cannot be set back. Whether its content is what was installed is judged by
# its checksum (drift.sh).
KUBELET_VERSION=/run/kubeadm-fleet-kubelet-version

# kubelet_version: print it; nothing if there is no kubelet, or it does not say.
kubelet_version() {
  local file identity known='' version=''
  file=$(type -P kubelet) && identity=$(identity_of "$file") || return 0
  [[ ! -s $KUBELET_VERSION ]] || IFS=$'\t' read -r known version <"$KUBELET_VERSION" || true
  if [[ $known != "$identity" ]]; then
    version=$("$file" --version 2>/dev/null | cut -d ' ' -f 2) || true
    # One that was replaced meanwhile is not known by this answer.
    if [[ -n $version && $(identity_of "$file") == "$identity" ]]; then
      printf '%s\t%s\n' "$identity" "$version" >"$KUBELET_VERSION.$BASHPID"
      mv "$KUBELET_VERSION.$BASHPID" "$KUBELET_VERSION"
    fi
  fi
  printf '%s\n' "$version"
}

# identity_of FILE: print device, inode, size, mode and the times of the last changes, in nanoseconds.
identity_of() {
  stat --dereference --format '%d %i %s %a %.9Y %.9Z' "$1"
}
