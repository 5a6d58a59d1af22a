# Everything a fresh Debian or Ubuntu machine needs is set up on the way; a second run finds it done.
#
#   make demo [EXAMPLE=web-db-lb]   bring an example up, visit it, take it down; others, built from Dockerfiles:
#                                   nginx-flask-postgres, react-express-redis
#   make test                       every check there is; needs root for the kernel's part (or sudo)
#   make lint | unit | newest | fuzz | integration | conformance | scenarios     one of them; ARGS="-k name" narrows
#   make benchmark [PEER=…/setup]   figures, side by side with docker compose where PEER can start one
#   make schema                    write schemas/compose-spec.json anew, after attributes or their docstrings changed
#   make clean

EXAMPLE ?= web-db-lb
ARGS ?=
PEER ?=

VENV := $(CURDIR)/.venv
PYTHON := $(VENV)/bin/python
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo --preserve-env=PYCOMPOSE_REQUIRE,PYCOMPOSE_KEEP_FAILED,PYCOMPOSE_CACHE,PORT)
PYTEST := -m pytest -p no:cacheprovider

.NOTPARALLEL:
.PHONY: setup schema demo test lint unit newest fuzz integration conformance scenarios benchmark format clean

setup: $(VENV)/ready

$(VENV)/ready: pyproject.toml .ci/setup
	.ci/setup $(VENV)

demo: setup
	$(SUDO) env PATH="$(VENV)/bin:$$PATH" PYTHON=$(PYTHON) examples/demo $(EXAMPLE)

test: lint unit newest fuzz integration conformance scenarios

lint: setup
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	$(VENV)/bin/lint-imports --no-cache

unit: setup
	$(PYTHON) $(PYTEST) tests/unit $(ARGS)

# The unit tests on the newest Python of the machine, when it is another one than the environment's.
newest: setup
	@newest=$$(.ci/setup --newest $(VENV)) && if [ -z "$$newest" ]; then \
	  echo "no newer Python than $$($(PYTHON) -V) here"; \
	else \
	  set -x; $$newest $(PYTEST) tests/unit $(ARGS); \
	fi

# Without SECONDS the short run that belongs to the tests; with SECONDS=3600 an hour, which keeps what it learns and finds in .fuzz.
fuzz: setup
	$(PYTHON) $(if $(SECONDS),-m tests.fuzz.run $(SECONDS) $(ARGS),$(PYTEST) tests/fuzz $(ARGS))

integration: setup
	$(SUDO) $(PYTHON) $(PYTEST) tests/integration $(ARGS)

conformance: setup
	$(SUDO) $(PYTHON) $(PYTEST) tests/conformance $(ARGS)

scenarios: setup
	$(SUDO) $(PYTHON) $(PYTEST) tests/scenarios $(ARGS)

# What editors and `config --schema` read; a test tells when it is out of step.
schema: setup
	$(PYTHON) .ci/compose_schema.py >schemas/compose-spec.json.new && mv schemas/compose-spec.json.new schemas/compose-spec.json

benchmark: setup
	$(PYTHON) benchmarks/import_times.py
	$(SUDO) $(PYTHON) benchmarks/load.py $(if $(PEER),--peer $(PEER))
	$(SUDO) $(PYTHON) benchmarks/compare.py $(if $(PEER),--peer $(PEER))
	$(SUDO) $(PYTHON) benchmarks/pull.py $(if $(PEER),--peer $(PEER))
	$(SUDO) $(PYTHON) benchmarks/build.py $(if $(PEER),--peer $(PEER))

format: setup
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

clean:
	rm -rf .venv .venv-newest .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist *.egg-info
