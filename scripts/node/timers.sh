#!/usr/bin/env bash
# requires: changed
# The timers of a member: what a control plane does by the clock (renewal.sh), and the report of what
# differs from what was declared (drift_report.sh). systemd starts them on members only. Only functions.
TIMERS=(kubeadm-fleet-renewal.timer kubeadm-fleet-drift.timer)
UNIT_FOLDER=/etc/systemd/system
# What the report of a machine is in, for its probe pod.
DRIFT_FOLDER=/run/kubeadm-fleet-drift

# own_timers: print those that this machine has.
own_timers() {
  local timer
  for timer in "${TIMERS[@]}"; do
    [[ ! -f $UNIT_FOLDER/$timer ]] || echo "$timer"
  done
}

# use_timers: have running timers take their changed periods; those without their file any more are stopped.
use_timers() {
  local timer
  for timer in "${TIMERS[@]}"; do
    is_changed "$UNIT_FOLDER/${timer%.timer}" || continue
    if [[ -f $UNIT_FOLDER/$timer ]]; then
      systemctl try-restart "$timer"
    else
      systemctl stop "$timer" 2>/dev/null || true
    fi
  done
}

# start_timers: start them, now and at every boot.
start_timers() {
  local timers
  mapfile -t timers < <(own_timers)
  ((${#timers[@]})) || return 0
  systemctl enable --quiet --no-reload "${timers[@]}"
  systemctl start "${timers[@]}"
}

# stop_timers: also what they have started, and what that has written for others.
stop_timers() {
  local timers
  mapfile -t timers < <(own_timers)
  if ((${#timers[@]})); then
    systemctl disable --quiet --now "${timers[@]}" 2>/dev/null || true
    systemctl stop "${timers[@]/%.timer/.service}" 2>/dev/null || true
  fi
  rm -rf "$DRIFT_FOLDER"
}
