#!/bin/sh
# Tests an installed wheel: repairs it (Linux: manylinux tag), installs it into a new environment, and runs tests that were
# copied out of the tree with no compiler on PATH.
#
#   PYTHON=.venv/bin/python sh tests/installed_wheel.sh dist/kerazoo-*.whl
#
# PYTHON   an interpreter of the wheel's version; `-m auditwheel` on Linux must work
# EXTRAS   extras that are installed with the wheel (default: test and jax, which bring both backends and all else that tests import)
# TESTS    files and folders of tests (default: kernels, text, word vectors, gensim, commands)
# WHEELS   a folder where the repaired wheel is kept (default: none)
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
wheel=$(realpath "$1")
copy=$(mktemp -d)
touch "$copy/mark"
trap 'rm -rf "$copy"' EXIT
: "${EXTRAS=test,jax}" "${TESTS=tests/batching tests/text tests/word2vec tests/gensim tests/cli tests/runtime}" "${WHEELS=$copy/wheels}"
mkdir -p "$WHEELS"
if [ "$(uname)" = Linux ]; then
    "$PYTHON" -m auditwheel show "$wheel"
    "$PYTHON" -m auditwheel repair --wheel-dir "$WHEELS" "$wheel"
else
    cp "$wheel" "$WHEELS"
fi
wheel=$(find "$WHEELS" -name "*.whl" -newer "$copy/mark" | head -n 1)
echo "wheel: $wheel"
"$PYTHON" -m venv "$copy/venv"
"$copy/venv/bin/python" -m pip install --quiet "$wheel${EXTRAS:+[$EXTRAS]}"
# What the tests read besides the package. The sources of the package are not among it, so that they cannot be imported.
mkdir "$copy/tree"
cp -r "$root/tests" "$root/benchmarks" "$root/examples" "$root/docs" "$root/pyproject.toml" "$root/README.md" "$copy/tree"
cd "$copy/tree"
unset PYTHONPATH
# What shell scripts of the tests, and this one, call; no compiler.
mkdir "$copy/bin"
for tool in sh rm; do ln -s "$(command -v "$tool")" "$copy/bin/$tool"; done
PATH="$copy/venv/bin:$copy/bin"
export PATH
python - <<'CHECK'
import shutil, sys
import kerazoo, kerazoo_ext
from kerazoo_ext import _word2vec
for module in (kerazoo, kerazoo_ext, _word2vec):
    assert module.__file__.startswith(sys.prefix), module.__file__
assert not any(map(shutil.which, ("gcc", "cc", "clang", "cl", "c++"))), "a compiler is on PATH"
print("instruction set:", _word2vec.widest())
CHECK
# shellcheck disable=SC2086  # one argument for each file
python -m pytest -q -m "not slow" -p no:cacheprovider $TESTS
