#!/bin/sh
# Runs the kernel tests on a KERAZOO_DEBUG=1 build in a temporary copy of the tree. PYTHON must be an interpreter with the
# test dependencies.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp -r "$root/setup.py" "$root/pyproject.toml" "$root/README.md" "$root/LICENSE" "$root/kerazoo" "$root/kerazoo_ext" "$root/benchmarks" "$root/docs" "$root/tests" "$copy"
cd "$copy"
find kerazoo_ext -name '*.so' -delete -o -name '*.c' -delete
KERAZOO_DEBUG=1 "$PYTHON" setup.py --quiet build_ext --inplace --parallel 2
# The copy is first on the path, so that it is tested and not the installed package; the next command checks this.
export PYTHONPATH="$copy" KERAZOO_TEST_ROOT="$copy"
"$PYTHON" -c "import os, kerazoo_ext; assert kerazoo_ext.__file__.startswith(os.environ['KERAZOO_TEST_ROOT']), kerazoo_ext.__file__"
# Only the files that have the marker: importing the others, and Keras with them, takes longer than these tests.
files=$(grep -rl --include='test_*.py' 'mark\.kernels' tests | grep -v '^tests/project/')
# shellcheck disable=SC2086  # one argument for each file
"$PYTHON" -m pytest -q -n 2 --dist worksteal -m kernels -p no:cacheprovider $files
