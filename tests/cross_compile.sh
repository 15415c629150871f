#!/bin/sh
# Compiles the kernels, without Python, with clang for every system that wheels are built for, and checks the syntax as
# clang-cl does (the target of Microsoft's ABI; its C library is replaced by declarations). Needs `pip install ziglang`,
# which has clang and the headers of these systems. PYTHON is the interpreter that has it.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
zig() { "${PYTHON:-python3}" -m ziglang "$@"; }

# Headers of different modules use the same names, so each is a program of its own.
headers="blocks panel_windows pairs permutation phrases scan statistics subwords word2vec"
for header in $headers; do
    echo "#include \"$header.h\"" > "$work/$header.c"
done
options="-std=c11 -O2 -Wall -Wno-unused-function -Wno-psabi -Werror -I$root/kerazoo_ext"

for target in x86_64-linux-gnu aarch64-linux-gnu x86_64-macos aarch64-macos x86_64-windows-gnu; do
    for header in $headers; do
        # shellcheck disable=SC2086  # several options
        zig cc -target $target $options -femit-all-decls -c "$work/$header.c" -o "$work/$header.o"
    done
    echo "$target: compiled"
done

mkdir "$work/include"
cat > "$work/include/stdlib.h" <<'C'
#include <stddef.h>
void *malloc(size_t); void *calloc(size_t, size_t); void *realloc(void *, size_t); void free(void *); int abs(int);
void qsort(void *, size_t, size_t, int (*)(const void *, const void *));
C
cat > "$work/include/string.h" <<'C'
#include <stddef.h>
void *memcpy(void *, const void *, size_t); void *memmove(void *, const void *, size_t); void *memset(void *, int, size_t);
int memcmp(const void *, const void *, size_t);
C
cat > "$work/include/math.h" <<'C'
double exp(double), log(double), log1p(double), sqrt(double), fabs(double), floor(double), ceil(double), pow(double, double);
double fmin(double, double), fmax(double, double), fmod(double, double), cos(double), sin(double), round(double);
float expf(float), log1pf(float), sqrtf(float), fabsf(float);
#define NAN __builtin_nanf("")
#define INFINITY __builtin_inff()
#define isnan(x) __builtin_isnan(x)
#define isfinite(x) __builtin_isfinite(x)
C
echo '#define assert(x) ((void)(x))' > "$work/include/assert.h"
echo '#include <stddef.h>' > "$work/include/malloc.h"
resources=$("${PYTHON:-python3}" -c "import pathlib, ziglang; print(pathlib.Path(ziglang.__file__).parent / 'lib' / 'include')")
for header in $headers; do
    # shellcheck disable=SC2086  # several options
    zig clang --target=x86_64-pc-windows-msvc -fms-compatibility -fms-extensions -fsyntax-only -ffreestanding $options \
        -isystem "$resources" -isystem "$work/include" "$work/$header.c"
done
echo "x86_64-pc-windows-msvc: syntax checked"
