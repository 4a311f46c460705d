#!/usr/bin/env bash
# requires: lib packages
# What security updates of the operating system there are, as apt itself resolves them: pins, in front of
# the host's own ones, leave it no other newer versions than those of the sources of security updates.
# Nothing is installed here: see patching.sh. Whole lines of KEY<TAB>VALUE on the standard output are for
# the program:
#   update    a package that would be updated, its version and the next one, separated by blanks
#   kept      a package with a security update that apt keeps back: it is held, or needs what is
#   reboot    why the machine must be rebooted, whatever is installed now
#   kernel    a new kernel that would be installed
#   incomplete    packages whose installation was interrupted
#   complete  yes: the end of the output
# The packages of these names are never changed: the cluster runs on what they are called after. runc is
# none of them: it is the host's, and its flaws are those of every container.
KEPT_PACKAGES="kubelet kubeadm kubectl kubernetes-cni cri-tools containerd containerd.io"
REBOOT_REQUIRED=/run/reboot-required
DPKG_INFO=/var/lib/dpkg/info
# For how long apt waits for a package source, each time that it asks, and how often it asks again.
SOURCE_SECONDS=10
SOURCE_RETRIES=1
# The exit status if a package source could not be read (ops/hosts/patches.py).
SOURCES_UNREAD=4

# survey_patches: print what would be updated, for a person; installs nothing.
survey_patches() {
  MACHINE_ID=$(machine_identity)
  begin_patches
  read_sources >&2
  find_updates >&2
  print_survey
}

incomplete_packages() {
  # shellcheck disable=SC2016
  dpkg-query --show --showformat='${db:Status-Status} ${Package}\n' |
    awk '$1 ~ /^(half-installed|unpacked|half-configured|triggers-awaited|triggers-pending)$/ {print $2}' |
    paste --serial --delimiters=' '
}

begin_patches() {
  lib_begin
  open_run
  PINS=$RUN/apt-preferences
  UPDATES=()
}

# read_sources: read the package lists again.
read_sources() {
  await_cloud_init
  # Without this, apt reports a list that it could not read as a warning, and uses the previous one.
  apt_get update --option APT::Update::Error-Mode=any --option "Acquire::Retries=$SOURCE_RETRIES" \
    --option "Acquire::http::Timeout=$SOURCE_SECONDS" \
    --option "Acquire::https::Timeout=$SOURCE_SECONDS" || reject_sources
  ! grep -qE '^(W: Failed to fetch|W: Some index files failed)' "$LOGS/apt-update.log" || reject_sources
}

# find_updates: set UPDATES to "NAME FORMER NEW" of each package that would be updated.
find_updates() {
  local listed
  has_security_source || die "no source of security updates is configured for apt" \
    "add the distribution's own (such as bookworm-security or noble-security) to /etc/apt/sources.list.d, and run 'fleet patch' again"
  write_pins "$KEPT_PACKAGES"
  simulate
  # Pins of the host for single packages override ours: what they would bring is no security update.
  listed=$(updates_of_others)
  if [[ -n $listed ]]; then
    write_pins "$KEPT_PACKAGES ${listed//$'\n'/ }"
    simulate
  fi
  mapfile -t UPDATES < <(simulated_updates)
}

# write_pins NAMES: write the preferences: nothing of these names is changed, no version is newer than
# the installed one (which has 100) except for security updates; what these need in addition is available.
write_pins() {
  {
    printf 'Package: %s\nPin: release *\nPin-Priority: -1\n\n' "$1"
    printf 'Package: *\nPin: release a=now\nPin-Priority: 100\n\n'
    printf 'Package: *\nPin: release l=Debian-Security\nPin-Priority: 500\n\n'
    printf 'Package: *\nPin: release a=*-security\nPin-Priority: 500\n\n'
    printf 'Package: *\nPin: release *\nPin-Priority: 50\n\n'
    cat "$(host_preferences)" 2>/dev/null || true
  } >"$PINS"
}

# host_preferences: print the path of the host's own preferences, whose place ours take.
host_preferences() {
  local path=''
  eval "$(apt-config shell path Dir::Etc::preferences/f)"
  echo "$path"
}

# security_only COMMAND...: run apt-get with the pins.
security_only() {
  apt_get "$@" --option "Dir::Etc::preferences=$PINS"
}

simulate() {
  security_only upgrade --simulate --with-new-pkgs || reject_updates
  cp "$LOGS/apt-upgrade.log" "$RUN/simulated"
}

# is_security: awk's condition for a line of a version that a source of security updates has.
IS_SECURITY='/[( ]Debian-Security:/ || /[\/:][A-Za-z0-9.-]*-security[, ]/'

# simulated_updates: print "NAME FORMER NEW" of each package that would be updated.
simulated_updates() {
  awk '$1 == "Inst" && $3 ~ /^\[/ {gsub(/[][(]/, "", $0); print $2, $3, $4}' "$RUN/simulated"
}

# updates_of_others: print the packages that would be updated from other sources, of their own accord.
updates_of_others() {
  awk '$1 == "Inst" && $3 ~ /^\[/ && !('"$IS_SECURITY"') {print $2}' "$RUN/simulated"
}

# new_kernels: print the kernels that would be installed.
new_kernels() {
  awk '$1 == "Inst" && $2 ~ /^linux-image-[0-9]/ {print $2}' "$RUN/simulated"
}

# kept_updates: print the packages that apt keeps back although there is a security update.
kept_updates() {
  sed -n '/^The following packages have been kept back:/,/^[^ ]/p' "$RUN/simulated" |
    grep '^ ' | tr -s ' ' '\n' | grep . || true
}

has_security_source() {
  # A pipe that grep closes early would be a failure of apt-cache.
  local policy
  policy=$(apt-cache policy 2>/dev/null)
  grep -qE '^ +release .*(l=Debian-Security|a=[^,]*-security)(,|$)' <<<"$policy"
}

print_survey() {
  local line
  for line in "${UPDATES[@]}"; do
    fact update "$line"
  done
  print_kept
  is_container || new_kernels | while read -r line; do fact kernel "$line"; done
  line=$(incomplete_packages)
  [[ -z $line ]] || fact incomplete "$line"
  print_reboot
  fact complete yes
}

print_kept() {
  local line
  kept_updates | while read -r line; do fact kept "$line"; done
}

print_reboot() {
  local reason
  reason=$(reboot_reason)
  [[ -z $reason ]] || fact reboot "$reason"
}

# reboot_reason: print why the machine must be rebooted; nothing if it need not. A kernel that was there
# at the last boot is not waited for: another one is started, by the boot loader's choice.
reboot_reason() {
  local packages
  if [[ -e $REBOOT_REQUIRED ]]; then
    packages=$(sort --unique "$REBOOT_REQUIRED.pkgs" 2>/dev/null | paste --serial --delimiters=' ')
    echo "the system asks for it${packages:+ (${packages:0:200})}"
  elif ! is_container && [[ -n $(kernels_since_boot) ]]; then
    echo "$(kernels_since_boot | head -n 1) was installed since it started"
  fi
}

kernels_since_boot() {
  local started file
  started=$(awk '$1 == "btime" {print $2}' /proc/stat)
  for file in "$DPKG_INFO"/linux-image-[0-9]*.list; do
    if [[ -e $file ]] && (($(stat --format %Y "$file") > started)); then basename "$file" .list; fi
  done
}

# is_container: is the kernel the host's, and none of this machine's packages?
is_container() {
  systemd-detect-virt --quiet --container
}

reject_sources() {
  apt_errors update >&2
  (die "apt-get could not read all package sources (full output: $LOGS/apt-update.log)" \
    "correct or remove the source that apt reports above, and run 'fleet patch' again") ||
    exit "$SOURCES_UNREAD"
}

reject_updates() {
  apt_errors upgrade >&2
  die "apt-get could not install the security updates (full output: $LOGS/apt-upgrade.log)" \
    "fix what apt reports above; 'dpkg --configure -a' and 'apt-get --fix-broken install' complete an interrupted installation; then run 'fleet up' again, which resumes"
}
