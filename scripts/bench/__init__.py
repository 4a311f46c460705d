"""`make bench`: benchmarks against bare commands and against an empty program."""
