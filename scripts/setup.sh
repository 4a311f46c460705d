#!/usr/bin/env bash
# Prepares this machine and this checkout: system packages, then .venv from the locked requirements.
#
#   scripts/setup.sh preview     what a preview needs; works without root
#   scripts/setup.sh unit        also what the fast tests need
#   scripts/setup.sh machines    also what container machines and a bundle need
#   scripts/setup.sh tests       also what only the tests need
#   scripts/setup.sh prove       what container machines need, and what a fresh machine needs
#
# Idempotent and safe to run concurrently; on a complete machine it costs neither an apt call nor a
# network packet. Only root installs packages; other users get their names.
set -euo pipefail
export LC_ALL=C # numbers and messages as this script reads them
cd "$(dirname "${BASH_SOURCE[0]}")/.."

level=${1:-preview}
venv=.venv
stamp=$venv/setup.sha256
# A user's PATH leaves out the folders where ip, iptables and sshd live.
PATH=$PATH:/usr/sbin:/sbin

say() { printf '%s\n' "$*"; }
fail() {
  printf 'setup: %s\n' "$@" >&2
  exit 1
}

# Prints how long a step took: finished NAME START, in $EPOCHREALTIME's form.
finished() {
  awk -v name="$1" -v from="$2" -v to="$EPOCHREALTIME" \
    'BEGIN { printf "==> %s … %.1f s\n", name, to - from }'
}

# One line each: what proves that it is there (a command or a file), the package, why it is needed.
unit_needs() {
  cat <<'LIST'
ssh-keygen           openssh-client     reads the keys that the program makes
openssl              openssl            reads the certificates that the program makes
systemd-analyze      systemd            reads the unit that the program prints
LIST
}
bundle_needs() {
  cat <<'LIST'
gcc                  gcc                builds flannel (cgo) and pause
/usr/include/stdio.h libc6-dev          the same
mmdebstrap           mmdebstrap         makes the layer that images with iptables stand on
LIST
}
machine_needs() {
  cat <<'LIST'
systemd-nspawn       systemd-container  runs the container machines
mmdebstrap           mmdebstrap         makes their root file system
ip                   iproute2           their network namespaces and bridges
mount                mount              their disks
umount               mount              the same
modprobe             kmod               loads br_netfilter where it is a module
LIST
}
test_needs() {
  cat <<'LIST'
/usr/sbin/sshd       openssh-server     SSH servers that the tests start for themselves
ssh-agent            openssh-client     holds a key that the program logs in with
ssh-add              openssh-client     the same
iptables             iptables           filters what a test's machines send to each other
iptables-save        iptables           shows whether a test left rules behind
setpriv              util-linux         runs a preview as another user
git                  git                clones of this checkout
chromium             chromium           opens the page of the report
LIST
}
prove_needs() {
  cat <<'LIST'
slirp4netns          slirp4netns        carries what a fresh machine sends and gets
LIST
}

# Debian 12 and Ubuntu 24.04 have such a Python; Ubuntu 22.04 gets one beside its own.
find_python() {
  local candidate
  for candidate in python3 python3.13 python3.12 python3.11; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  return 1
}

# Prints the packages that are missing for this level.
missing_packages() {
  local python proof package _
  if python=$(find_python); then
    # Debian ships `venv` without the `ensurepip` that it needs.
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
      "$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'
  else
    # shellcheck source=/dev/null
    case $(. /etc/os-release && say "$ID-$VERSION_ID") in
    ubuntu-22.04) say python3.11-venv ;;
    *) say python3-venv ;;
    esac
  fi
  {
    case $level in unit | tests) unit_needs ;; esac
    case $level in bundle | machines | tests | prove) bundle_needs ;; esac
    case $level in machines | tests | prove) machine_needs ;; esac
    case $level in tests) test_needs ;; esac
    case $level in tests | prove) prove_needs ;; esac
  } | while read -r proof package _; do
    case $proof in
    /*) [[ -e $proof ]] || say "$package" ;;
    *) command -v "$proof" >/dev/null || say "$package" ;;
    esac
  done
}

apt_install() {
  DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
    -o DPkg::Lock::Timeout=300 "$@"
}

install_packages() {
  local missing start=$EPOCHREALTIME log
  mapfile -t missing < <(missing_packages | sort -u)
  [[ ${#missing[@]} -gt 0 ]] || return 0
  command -v apt-get >/dev/null ||
    fail "missing here: ${missing[*]} (names of Debian's packages)" \
      "this script installs on Debian and Ubuntu only: install what provides them, then run it again"
  [[ $EUID -eq 0 ]] ||
    fail "missing packages: ${missing[*]}" \
      "only root can install them: sudo apt-get install --no-install-recommends ${missing[*]}"
  say "==> packages: ${missing[*]}"
  log=$(mktemp)
  # The package lists are fetched only when the ones that are here do not do.
  if ! apt_install "${missing[@]}" >"$log" 2>&1; then
    { apt-get update && apt_install "${missing[@]}"; } >"$log" 2>&1 || {
      tail -n 20 "$log" >&2
      rm -f "$log"
      fail "apt-get could not install ${missing[*]}: its last lines are above"
    }
  fi
  rm -f "$log"
  finished packages "$start"
}

# promtool checks the alert rules and the dashboard (tests/scripts/test_monitoring.py). Its package also runs a server:
# only the program is taken out of it, into the cache. Its version is that of the distribution.
get_promtool() {
  local folder=${KUBEADM_FLEET_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/kubeadm-fleet} part start=$EPOCHREALTIME
  [[ ! -x $folder/promtool ]] || return 0
  { command -v apt-get && command -v dpkg-deb; } >/dev/null ||
    fail "no promtool in $folder: put that of Prometheus 2.42 or newer there" \
      "this script takes it out of a package of Debian or Ubuntu only"
  say "==> promtool: taking it out of the package prometheus"
  mkdir -p "$folder"
  part=$(mktemp -d "$folder/promtool.XXXXXX")
  download_prometheus "$part" || {
    tail -n 20 "$part/log" >&2
    rm -rf "$part"
    fail "apt-get could not download the package prometheus, which has promtool: its last lines are above"
  }
  dpkg-deb --extract "$part"/prometheus_*.deb "$part"
  mv "$part/usr/bin/promtool" "$folder/promtool"
  rm -rf "$part"
  finished promtool "$start"
}
download_prometheus() { # FOLDER
  (
    cd "$1"
    apt-get download prometheus >log 2>&1 || { apt-get update && apt-get download prometheus; } >log 2>&1
  )
}

# The command `fleet`, of the checkout in whose .venv it lies, from any directory and through links.
# [project.scripts] in pyproject.toml declares the same.
entry_point() {
  cat <<SCRIPT
#!$(pwd -P)/$venv/bin/python
import os
import sys

path = __file__
while os.path.islink(path):
    path = os.path.join(os.path.dirname(path), os.readlink(path))
sys.path[0] = os.path.abspath(os.path.join(os.path.dirname(path), "..", ".."))

from scripts.fleet.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
SCRIPT
}

# The venv's Python decides too: one that has gone or is too old recreates the venv.
wanted_stamp() { { cat requirements.txt && entry_point; } | sha256sum | cut -d ' ' -f 1; }
venv_works() { "$venv/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
venv_current() {
  [[ -f $stamp && $(<"$stamp") == "$(wanted_stamp)" && -x $venv/bin/fleet ]] && venv_works
}

make_venv() {
  local start=$EPOCHREALTIME settings python
  venv_current && return
  # Two runs at the same time: the second waits here, then finds it done. The checkout itself is the lock.
  exec 9<.
  flock 9
  venv_current && return
  say "==> .venv: installing the locked requirements"
  rm -f "$stamp"
  python=$(find_python) || fail "no Python 3.11 or newer in PATH, and the packages above brought none"
  venv_works || "$python" -m venv --clear "$venv"
  awk '/^[^ #]/ { wanted = /^uv==/ } wanted' requirements.txt >"$venv/uv.txt"
  "$venv/bin/python" -m pip install --quiet --require-hashes --no-deps -r "$venv/uv.txt"
  settings=$("$venv/bin/python" scripts/uv_settings.py)
  eval "$settings"
  "$venv/bin/uv" pip sync --quiet --require-hashes --python "$venv/bin/python" requirements.txt
  entry_point >"$venv/bin/fleet"
  chmod +x "$venv/bin/fleet"
  wanted_stamp >"$stamp.new"
  mv "$stamp.new" "$stamp"
  finished .venv "$start"
}

case $level in
preview | unit | bundle | machines | tests | prove) ;;
*) fail "unknown level '$level': allowed are preview, unit, bundle, machines, tests, prove" ;;
esac
install_packages
make_venv
case $level in tests) get_promtool ;; esac
