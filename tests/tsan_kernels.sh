#!/bin/sh
# Runs the programs of tests/kernels_c, which call the kernels from several threads, with ThreadSanitizer (gcc). Any race is
# an error but those of Hogwild on the tables, which are left out by their addresses (see tests/kernels_c/word2vec.c); the
# last run is a control, in which these must be found.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
started=$(date +%s)
# The sanitizer needs its addresses, which a kernel with vm.mmap_rnd_bits=32 may give to a library.
fixed=
if setarch "$(uname -m)" -R true 2> /dev/null; then fixed="setarch $(uname -m) -R"; fi
export TSAN_OPTIONS=halt_on_error=0:exitcode=66
for source in "$root"/tests/kernels_c/*.c; do
    program=$(basename "$source" .c)
    "${CC:-gcc}" -std=gnu11 -O1 -g -fsanitize=thread -Wall -Wno-unused-function -Wno-psabi -I"$root/kerazoo_ext" \
        "$source" -o "$work/$program" -lm -lpthread
    $fixed "$work/$program" threads
done
status=0
TSAN_OPTIONS=halt_on_error=1:exitcode=66 $fixed "$work/word2vec" threads shared > "$work/control" 2>&1 || status=$?
if [ "$status" -ne 66 ] || ! grep -q 'WARNING: ThreadSanitizer: data race' "$work/control"; then
    tail -n 20 "$work/control"
    echo "the control found no race in shared tables (status $status), so the runs above prove nothing" >&2
    exit 1
fi
echo "no race but the deliberate ones, which the control found; $(($(date +%s) - started)) s"
