"""Tests of the Makefile, the set-up, the fleet command and the workflows."""
