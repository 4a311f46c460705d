#!/usr/bin/env bash
# settings: SUDO SUDO_PASSWORD
# Whether the login user can become root. Nothing else of a host is read with this user's sudo: on a host
# that cannot resolve its own name, each sudo takes as long as the resolver's time-outs.
# Settings: SUDO (yes, no), SUDO_PASSWORD (empty: sudo must not ask).

# root_check: print "yes", or why not, as the last line.
root_check() {
  local said
  export LC_ALL=C
  said=$(as_root id -u 2>&1)
  said=${said##*$'\n'}
  case $said in
    0) echo yes ;;
    '' | [0-9]*) echo 'the user is not root' ;;
    *) echo "$said" ;;
  esac
}

# as_root COMMAND...: run it as root, if sudo allows it.
as_root() {
  if [[ $SUDO != yes ]]; then
    "$@"
  elif [[ -n $SUDO_PASSWORD ]]; then
    # sudo's standard input has only the password, so that a wrong one is tried once.
    # shellcheck disable=SC2024
    sudo --stdin --prompt= "$@" < <(printf '%s\n' "$SUDO_PASSWORD")
  else
    sudo --non-interactive "$@"
  fi
}
