#!/bin/sh
# The oldest GNU C library that a program runs with: the newest of the versions that its symbols ask for.
set -eu
objdump -T "$1" | sed -n 's/.*(\{0,1\}GLIBC_\([0-9.]*\).*/\1/p' | sort -uV | tail -n 1
