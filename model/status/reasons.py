"""The reasons of conditions that are about what machines report of themselves."""

DRIFT, DISK, CLOCK = "HostDrift", "DiskFull", "ClockUnsynchronized"
ETCD, JOB = "EtcdMemberAlarm", "JobFailed"
SILENT, UNKNOWN = "HostNotReporting", "HostUnknown"
OF_MACHINES = (DRIFT, DISK, CLOCK, ETCD, JOB, SILENT, UNKNOWN)
