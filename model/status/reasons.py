"""The reasons of conditions that are about what machines report of themselves."""

DRIFT, DISK, CLOCK = "HostDrift", "DiskFull", "ClockUnsynchronized"
SILENT, UNKNOWN = "HostNotReporting", "HostUnknown"
OF_MACHINES = (DRIFT, DISK, CLOCK, SILENT, UNKNOWN)
