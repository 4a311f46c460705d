#!/usr/bin/env bash
# requires: changed
# The timer of what a control plane does by the clock (renewal.sh). systemd starts it on members only.
# Only functions.
RENEWAL_TIMER='kubeadm-fleet-renewal.timer'
RENEWAL_UNITS='/etc/systemd/system/kubeadm-fleet-renewal'

# use_renewal_timer: have a running timer take its changed period.
use_renewal_timer() {
  ! is_changed $RENEWAL_UNITS || systemctl try-restart "$RENEWAL_TIMER"
}

# start_renewal_timer: start it, now and at every boot, if this machine has one.
start_renewal_timer() {
  [[ -f $RENEWAL_UNITS.timer ]] || return 0
  systemctl enable --quiet --no-reload "$RENEWAL_TIMER"
  systemctl start "$RENEWAL_TIMER"
}

# stop_renewal_timer: also what it has started.
stop_renewal_timer() {
  [[ -f $RENEWAL_UNITS.timer ]] || return 0
  systemctl disable --quiet --now "$RENEWAL_TIMER" 2>/dev/null || true
  systemctl stop "${RENEWAL_TIMER/timer/service}" 2>/dev/null || true
}
