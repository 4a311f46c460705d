#!/usr/bin/env bash
# requires: lib original_state
# etcd's data directory, and the system user that it belongs to (docs/adr/0075). etcd itself is root in
# its container, since the keys are root's. Debian's etcd-server has the same user: whichever comes first
# creates it. Only functions.
ETCD_DATA=/var/lib/etcd
ETCD_USER=etcd
# What a reset removes: lines of user or group, and the name.
ACCOUNTS=$STATE/accounts
# Owner and mode of the directory that was there before.
FORMER_ETCD_DATA=$STATE/former-etcd-data

# own_etcd_data: have the directory, which nobody else may enter.
own_etcd_data() {
  create_etcd_user
  if [[ ! -f $FORMER_ETCD_DATA ]] && was_there folder $ETCD_DATA && [[ -d $ETCD_DATA ]]; then
    stat --format '%U:%G %a' $ETCD_DATA >"$FORMER_ETCD_DATA"
  fi
  (umask 077 && mkdir -p $ETCD_DATA)
  chown $ETCD_USER:$ETCD_USER $ETCD_DATA
  chmod 0700 $ETCD_DATA
}

# create_etcd_user: create the user and its group, if they are missing, and note what was created.
create_etcd_user() {
  if ! getent group $ETCD_USER >/dev/null; then
    note_account group
    await 60 "groupadd to create the group $ETCD_USER" created groupadd --system $ETCD_USER
  fi
  if ! getent passwd $ETCD_USER >/dev/null; then
    note_account user
    await 60 "useradd to create the user $ETCD_USER" created useradd --system --gid $ETCD_USER \
      --home-dir $ETCD_DATA --no-create-home --shell /usr/sbin/nologin $ETCD_USER
  fi
}

note_account() { # KIND
  printf '%s\t%s\n' "$1" $ETCD_USER >>"$ACCOUNTS"
  sync "$ACCOUNTS"
}

# created COMMAND...: fails as long as another program writes the host's accounts.
created() {
  "$@" >"$LOGS/accounts.log" 2>&1 && return
  LAST_ANSWER="$LOGS/accounts.log: $(tail -n 1 "$LOGS/accounts.log")"
  return 1
}

# forget_etcd_data: restore owner and mode of a directory that was there before, and remove the accounts
# that were created, unless a package or files of others have come to depend on them.
forget_etcd_data() {
  local owner mode kind name
  if [[ -d $ETCD_DATA && -s $FORMER_ETCD_DATA ]]; then
    read -r owner mode <"$FORMER_ETCD_DATA"
    chown "$owner" $ETCD_DATA
    chmod "$mode" $ETCD_DATA
  fi
  [[ -f $ACCOUNTS ]] || return 0
  if is_etcd_user_needed; then
    say "kept: the user $ETCD_USER"
    return
  fi
  for kind in user group; do
    while IFS=$'\t' read -r _ name; do
      # A user's group may go with it.
      ! getent "${kind/user/passwd}" "$name" >/dev/null || logged "$kind-removal" "${kind}del" "$name"
    done < <(grep "^$kind" "$ACCOUNTS" | sort --unique)
  done
}

is_etcd_user_needed() {
  [[ $(stat --format %U $ETCD_DATA 2>/dev/null) == "$ETCD_USER" ]] ||
    [[ $(dpkg-query --show --showformat '${db:Status-Status}' etcd-server 2>/dev/null) == installed ]]
}
