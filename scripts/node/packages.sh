#!/usr/bin/env bash
# requires: lib proxy
# Debian packages from the host's own sources, recorded in STATE/packages for a reset. apt's own proxy
# settings override ours. Only functions.
# How long another package manager may hold apt: a host's first boot installs its upgrades.
APT_SECONDS=600
CLOUD_INIT_SECONDS=300

# install_packages NAME...: install the missing ones.
install_packages() {
  local -A have=()
  local name missing=()
  while read -r name; do
    have[$name]=yes
  done < <(installed_packages)
  for name in "$@"; do
    [[ -v have[$name] ]] || missing+=("$name")
  done
  ((${#missing[@]})) || return 0
  await_cloud_init
  say "installing ${missing[*]}"
  # A source that fails matters only if a package is missing because of it.
  apt_get update || say "some package sources failed: $(apt_errors update | head -n 1)"
  missing=(--no-install-recommends "${missing[@]}")
  apt_get install --simulate "${missing[@]}" || reject_packages "${missing[@]:1}"
  new_packages >>"$STATE/packages"
  apt_get install --yes "${missing[@]}" || reject_packages "${missing[@]:1}"
}

# await_cloud_init: the first boot of a cloud host still writes its package sources.
await_cloud_init() {
  [[ $(cloud-init status 2>/dev/null) == *running* ]] || return 0
  say "waiting for cloud-init"
  timeout "$CLOUD_INIT_SECONDS" cloud-init status --wait >"$LOGS/cloud-init.log" 2>&1 || true
}

installed_packages() {
  # shellcheck disable=SC2016
  dpkg-query --show --showformat='${db:Status-Status} ${Package}\n' |
    awk '$1 == "installed" {print $2}'
}

# new_packages: print what a simulated installation would install, without what it would upgrade.
new_packages() {
  awk '$1 == "Inst" && $3 ~ /^\(/ {print $2}' "$LOGS/apt-install.log"
}

reject_packages() { # NAME...
  cat <(apt_errors update) <(apt_errors install) >&2
  die "apt-get could not install $* (full output: $LOGS/apt-install.log)" \
    "fix what apt reports above, such as a package source, a held package or the network, and run 'fleet up' again"
}

# apt_get COMMAND...: run apt-get as soon as no other package manager runs.
apt_get() {
  local began=$SECONDS holder reported='' resumed=no
  until run_apt "$@"; do
    if [[ $resumed == no ]] && was_dpkg_interrupted "$1"; then
      resumed=yes
      say "resuming an interrupted installation of the host: dpkg --configure -a"
      without_questions logged dpkg-configure dpkg --force-confdef --force-confold --configure -a
      continue
    fi
    holder=$(lock_holder "$1")
    [[ -n $holder ]] || return 1
    ((SECONDS - began < APT_SECONDS)) ||
      die "timed out after $APT_SECONDS s waiting for another package manager: $holder" \
        "wait until it ends, or check on the host why it does not, and run 'fleet up' again"
    [[ $reported == "$holder" ]] || say "waiting for another package manager: $holder"
    reported=$holder
    sleep 2
  done
}

run_apt() {
  local log=$LOGS/apt-$1.log
  proxied without_questions apt-get --option Dpkg::Options::=--force-confdef \
    --option Dpkg::Options::=--force-confold "$@" >"$log" 2>&1 </dev/null
}

# without_questions COMMAND...: needrestart would ask, or restart services of a member.
without_questions() {
  local -x LC_ALL=C DEBIAN_FRONTEND=noninteractive APT_LISTCHANGES_FRONTEND=none NEEDRESTART_SUSPEND=1
  "$@"
}

# lock_holder COMMAND: print what the last run of it says of a lock that it could not get.
lock_holder() {
  sed -n 's/^E: Could not get lock /the lock /p' "$LOGS/apt-$1.log" | head -n 1
}

was_dpkg_interrupted() { # COMMAND
  grep -q '^E: dpkg was interrupted' "$LOGS/apt-$1.log"
}

apt_errors() { # COMMAND
  grep -E '^(E|W|Err)' "$LOGS/apt-$1.log" || true
}
