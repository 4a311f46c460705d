#!/usr/bin/env bash
# requires: lib
# The record of what this control plane did by the clock: a line for each subject (a leaf certificate,
# the etcd snapshot, the run itself), with the time, the result and details, separated by tabs. The
# result is `succeeded`, and then the details are the outcome (the leaf's expiry, the snapshot's name, the
# time of the next run); or `failed`, and then they are the reason. Only functions.
RENEWALS=$STATE/renewals
RUN_SUBJECT=run

record_renewal() { # SUBJECT succeeded|failed DETAILS
  {
    [[ ! -f $RENEWALS ]] || awk -F '\t' -v subject="$1" '$1 != subject' "$RENEWALS"
    printf '%s\t%s\t%s\t%s\n' "$1" "$(utc now)" "$2" "$3"
  } >"$RENEWALS.new"
  mv "$RENEWALS.new" "$RENEWALS"
}

# forget_failures SUBJECT...: forget all but these, at the end of a run that has tried everything again.
# Until then they are reported.
forget_failures() {
  [[ -f $RENEWALS ]] || return 0
  awk -F '\t' -v failed=" $* " '$3 != "failed" || index(failed, " " $1 " ")' "$RENEWALS" >"$RENEWALS.new"
  mv "$RENEWALS.new" "$RENEWALS"
}

# renewal_failures: print each subject that failed and the reason, separated by a tab; the run itself if
# two runs in succession are overdue; those that were due while this machine was off do not count.
renewal_failures() {
  local subject time result details next period booted
  [[ -f $RENEWALS ]] || return 0
  while IFS=$'\t' read -r subject time result details; do
    if [[ $result == failed ]]; then
      printf '%s\t%s\n' "$subject" "$details"
    elif [[ $subject == "$RUN_SUBJECT" ]]; then
      next=$(date --date="$details" +%s)
      period=$((next - $(date --date="$time" +%s)))
      booted=$((EPOCHSECONDS - $(seconds_up)))
      ((EPOCHSECONDS <= (next > booted ? next : booted) + period)) ||
        printf '%s\t%s\n' "$subject" "it has not run since $time"
    fi
  done <"$RENEWALS"
}

# seconds_up: print how long this machine has been running; /proc/uptime is that of a container's host.
seconds_up() {
  ps --no-headers --format etimes --pid 1
}

utc() { # DATE
  date --utc --date="$1" +%FT%TZ
}
