#!/bin/sh
# The kernels on aarch64: compiles the programs of tests/kernels_c, which compare them with plain loops, and runs them, under
# QEMU elsewhere. Also checks that the loops over rows became NEON instructions. Takes less than two minutes.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
started=$(date +%s)
missing() {
    echo "$1 is missing. Debian, Ubuntu: apt-get install $2" >&2
    exit 1
}
if [ "$(uname -m)" = aarch64 ]; then
    compiler=${CC:-gcc} emulator='' dump=objdump
else
    compiler=aarch64-linux-gnu-gcc emulator=qemu-aarch64-static dump=aarch64-linux-gnu-objdump
    command -v $emulator > /dev/null || emulator=qemu-aarch64
    command -v $emulator > /dev/null || missing qemu-aarch64-static qemu-user-static
    command -v $compiler > /dev/null || missing $compiler gcc-aarch64-linux-gnu
fi
command -v $dump > /dev/null || missing $dump binutils-aarch64-linux-gnu
for source in "$root"/tests/kernels_c/*.c; do
    program=$(basename "$source" .c)
    # The options of setup.py; static, so that no library of the other system is needed.
    $compiler -static -std=gnu11 -O3 -Wall -Wno-unused-function -Wno-psabi -I"$root/kerazoo_ext" "$source" \
        -o "$work/$program" -lm -lpthread
    $emulator "$work/$program" check
    $emulator "$work/$program" threads
done
# Sums of products of rows: in vectors of four floats (fmla v0.4s), or one by one (fmadd s0)?
$dump -d --no-show-raw-insn "$work/word2vec" | awk '
    /^[0-9a-f]+ <.*>:$/ { kernel = $2 ~ /kz_plain_/ }
    kernel && $2 ~ /^fml[as]$/ && /\.4s/ { vectors++ }
    kernel && $2 ~ /^fn?m(add|sub)$/ && $3 ~ /^s/ { scalars++ }
    END {
        printf "aarch64: %d products of vectors of four floats, %d of single ones\n", vectors, scalars
        exit !(vectors > 1000 && vectors > 10 * scalars)
    }'
echo "aarch64: $(($(date +%s) - started)) s"
