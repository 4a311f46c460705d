"""Reasons of conditions: what machines report of themselves, and what is starting."""

DRIFT, DISK, CLOCK = "HostDrift", "DiskFull", "ClockUnsynchronized"
# Of a machine or an API server, and of the host that asks.
SKEW, OWN_SKEW = "ClockSkew", "OwnClockSkew"
ETCD, JOB = "EtcdMemberAlarm", "JobFailed"
SILENT, UNKNOWN = "HostNotReporting", "HostUnknown"
# Of anything that is so young that it may not work yet (model/status/starting.py).
STARTING = "Starting"
OF_MACHINES = (DRIFT, DISK, CLOCK, SKEW, ETCD, JOB, SILENT, UNKNOWN)
