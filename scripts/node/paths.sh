#!/usr/bin/env bash
# What is alike on every machine: where this project keeps its own things, and where API servers
# listen (model/render/kubeadm.py says the same). Only constants, of which no text uses all.
STATE=/var/lib/kubeadm-fleet
# shellcheck disable=SC2034
LOGS=/var/log/kubeadm-fleet
# What was sent to this machine, each file under its sum.
# shellcheck disable=SC2034
ARTIFACTS=$STATE/artifacts
# The version, settings and files that a member was last brought to (applied_state.sh).
# shellcheck disable=SC2034
APPLIED_STATE=$STATE/applied-state
# shellcheck disable=SC2034
API_PORT=6443
