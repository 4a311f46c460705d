#!/usr/bin/env bash
# requires: lib packages patches space
# settings: SECURITY_UPDATES
# Installation of the security updates that patches.sh finds. Besides its lines, the standard output has:
#   updated   a package that was updated, and its version
#   stale     a unit with programs that still use libraries that were replaced
PATCHED=$STATE/patched
# A kernel with its modules and its initial RAM disk.
KERNEL_BYTES=$((160 << 20))

# stage_patches: before the Node is drained, find them, check the space for them and download them; print
# what survey_patches does.
stage_patches() {
  begin_patches
  read_sources >&2
  find_updates >&2
  check_patch_space
  download_updates >&2
  print_survey
}

# install_patches: install the security updates that stage_patches has found; print what was updated. The
# package lists are not read again: what appears meanwhile is for the next round.
install_patches() {
  begin_patches
  complete_installation >&2
  find_updates >&2
  if ((${#UPDATES[@]})); then
    say "installing security updates: $(names_of_updates)" >&2
    security_only upgrade --yes --with-new-pkgs >&2 || reject_updates
  fi
  print_updated
  print_kept
  print_stale
  print_reboot
  fact complete yes
}

# complete_installation: configure packages whose installation was interrupted, or failed.
complete_installation() {
  [[ -n $(incomplete_packages) ]] || return 0
  say "completing an interrupted installation: $(incomplete_packages)"
  without_questions logged dpkg-configure dpkg --force-confdef --force-confold --configure -a
}

# record_patched: record that this machine has the updates that SECURITY_UPDATES stands for.
record_patched() {
  lib_begin
  echo "$SECURITY_UPDATES" >"$PATCHED.new"
  persist "$PATCHED.new"
  mv "$PATCHED.new" "$PATCHED"
}

# check_patch_space: check the space for what is downloaded, unpacked beside its predecessor and, for a
# kernel, written to /boot.
check_patch_space() {
  local packed=0 unpacked=0 archives=''
  ((${#UPDATES[@]})) || return 0
  eval "$(apt-config shell archives Dir::Cache::archives/d)"
  read -r packed unpacked < <(sizes_of_updates)
  need_space "$archives" "$packed" "packages"
  need_space /usr "$unpacked" "unpacked packages"
  [[ -z $(new_kernels) ]] || need_space /boot "$KERNEL_BYTES" "a kernel"
  check_space "nothing was drained or installed"
}

# sizes_of_updates: print how many bytes all that would be installed has, packed and unpacked.
sizes_of_updates() {
  local names
  mapfile -t names < <(awk '$1 == "Inst" {
    version = $3 ~ /^\[/ ? $4 : $3; sub(/^\(/, "", version); print $2 "=" version}' "$RUN/simulated")
  apt-cache show "${names[@]}" 2>/dev/null |
    awk '$1 == "Size:" {packed += $2} $1 == "Installed-Size:" {unpacked += $2}
      END {printf "%.0f %.0f\n", packed, unpacked * 1024}'
}

# download_updates: download them, so that no drained Node waits for that.
download_updates() {
  ((${#UPDATES[@]})) || return 0
  security_only upgrade --yes --with-new-pkgs --download-only || reject_updates
}

names_of_updates() {
  printf '%s\n' "${UPDATES[@]}" | cut -d ' ' -f 1 | paste --serial --delimiters=' '
}

# print_updated: print the packages that have another version than before.
print_updated() {
  local line name new
  for line in "${UPDATES[@]}"; do
    read -r name _ new <<<"$line"
    fact updated "$name $new"
  done
}

# print_stale: print the units whose programs use libraries that are no longer on the disk. They are not
# restarted: that is up to their owner, and the machine's next reboot does it.
print_stale() {
  local file
  for file in /proc/[0-9]*/maps; do
    if grep -qE '^[^ ]+ r-xp .* /(usr/)?lib[^ ]*\.so[^ ]* \(deleted\)$' "$file" 2>/dev/null; then
      unit_of_process "${file%/maps}"
    fi
  done | sort --unique | while read -r file; do fact stale "$file"; done
}

# unit_of_process FOLDER: print the service of the process in /proc; nothing for a pod's.
unit_of_process() {
  local line
  line=$(head -n 1 "$1/cgroup" 2>/dev/null) || return 0
  [[ $line != *kubepods* && $line =~ /([^/]+\.service)(/|$) ]] && echo "${BASH_REMATCH[1]}"
  return 0
}
