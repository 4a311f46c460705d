#!/usr/bin/env bash
# The digests of files, as they are recorded and compared. Only functions.

# digest PATH: print the checksum of a file without its passwords, which could be guessed from it.
digest() {
  if [[ -f $1 ]]; then
    sed '/^authorization = /d' "$1" | sha256sum | cut -d ' ' -f 1
  else
    echo missing
  fi
}

# digests PATH...: print each path and the digest of its file, separated by a tab; all without passwords are read
# in one process.
digests() {
  local path sum plain=()
  local -A sums=() with_passwords=()
  while IFS= read -r -d '' path; do
    with_passwords[$path]=yes
  done < <(grep --files-with-matches --null --no-messages '^authorization = ' -- "$@")
  for path; do
    if [[ -f $path && ! -v with_passwords[$path] ]]; then plain+=("$path"); else sums[$path]=$(digest "$path"); fi
  done
  while read -r -d '' sum path; do
    sums[$path]=$sum
  done < <(((!${#plain[@]})) || sha256sum --zero -- "${plain[@]}")
  for path; do
    printf '%s\t%s\n' "$path" "${sums[$path]:-missing}"
  done
}

# checksums PATH...: print the checksum of each and its path. OpenSSL has the processor's own instructions for it,
# which the sha256sum of Debian 12 has not: of programs, that takes seven times as long.
checksums() {
  { openssl dgst -sha256 -r "$@" || sha256sum -- "$@"; } 2>/dev/null | sed 's/ \*/ /'
}
