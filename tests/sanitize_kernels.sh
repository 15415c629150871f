#!/bin/sh
# Runs the kernel tests on a debug build (-O1) with AddressSanitizer and UndefinedBehaviorSanitizer (gcc) in a temporary
# copy of the tree, in two processes. Out-of-bounds access and undefined arithmetic abort the run. PYTHON must be an
# interpreter with the test dependencies. Arguments, if given, replace the test files: a quick run of one file.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp -r "$root/setup.py" "$root/pyproject.toml" "$root/README.md" "$root/LICENSE" "$root/kerazoo" "$root/kerazoo_ext" "$root/benchmarks" "$root/docs" "$root/tests" "$copy"
cd "$copy"
find kerazoo_ext -name '*.so' -delete -o -name '*.c' -delete
flags="-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -Wno-psabi"
started=$(date +%s)
KERAZOO_DEBUG=1 CC=gcc CFLAGS="$flags" LDFLAGS="$flags" "$PYTHON" setup.py --quiet build_ext --inplace --parallel 2
echo "built in $(($(date +%s) - started)) s"
# The copy is first on the path, so that it is tested and not the installed package; the check below confirms it.
export PYTHONPATH="$copy" KERAZOO_TEST_ROOT="$copy"
# Python itself is not instrumented, so the runtimes must be preloaded; leaks of Python are not reported.
LD_PRELOAD="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libubsan.so)"
export LD_PRELOAD
# No kernel needs Keras, but the conftest of all tests names a backend; NumPy is the one that imports nothing.
export KERAS_BACKEND=numpy
export ASAN_OPTIONS=detect_leaks=0:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1
"$PYTHON" -c "import os, kerazoo_ext._word2vec as k; assert k.__file__.startswith(os.environ['KERAZOO_TEST_ROOT']), k.__file__"
# Only the files that have the marker, as in debug_kernels.sh.
if [ $# -eq 0 ]; then
    # shellcheck disable=SC2046  # one argument for each file
    set -- $(grep -rl --include='test_*.py' 'mark\.kernels' tests | grep -v '^tests/project/')
fi
"$PYTHON" -m pytest -q -n 2 --dist worksteal -m kernels -p no:cacheprovider "$@"
echo "built and tested in $(($(date +%s) - started)) s; CPU time of the shell and its children:"
times
