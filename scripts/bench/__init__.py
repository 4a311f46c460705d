"""`make bench`: how fast the program is, against bare commands and against an empty program."""
