# Orrery. Every target does its own set-up: Python 3.11 and make are all it takes.

PYTHON_VERSION := 3.11
UV_VERSION     := 0.13.9
VENV           := .venv
PYTHON         := $(VENV)/bin/python
UV             := $(VENV)/bin/uv
STAMP          := $(VENV)/.synced
PIPELINE       ?= restitch
CONF           ?= {}
NAME           ?= restitch
QUICK          ?=
DRY            ?=
KEEP           ?=
ARGS           ?=
FROM           ?=
CAPTURES       ?=
MODELS         ?=
RUN            ?=
export CONF QUICK

# Compiled bytecode halves every start-up, so nothing here may switch it off.
unexport PYTHONDONTWRITEBYTECODE
.DEFAULT_GOAL := help
.PHONY: help demo demo-serve run serve up down status test test-slow lint bench chaos readme lock prune rollback clean assets system-deps setup

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: $(STAMP) ## Restitch a small simulated batch and show what became better
	$(PYTHON) -m benchmarks.demo

run: $(STAMP) ## Run a pipeline without the full stack: PIPELINE=restitch CONF='{"captures": "PATH"}', KEEP=1
	@$(PYTHON) -m operators.headless.run $(PIPELINE) --conf "$$CONF" $(if $(KEEP),--keep)

demo-serve: $(STAMP) ## Serve two small models under load, swap them, roll back, show what that cost
	$(PYTHON) -m benchmarks.demo_serve

serve: $(STAMP) ## Serve models alone: MODELS=folder of models, or those of configs/serving.yaml
	@$(PYTHON) -m operators.serving $(if $(MODELS),--models "$(MODELS)")

up: $(STAMP) ## Start Airflow, MLflow, Ray and the server of models, and say where they are
	@$(PYTHON) -m operators.stack.supervise up

down: $(STAMP) ## Stop them, and what `make run KEEP=1` left; nothing is left running
	@$(PYTHON) -m operators.headless.servers end
	@$(PYTHON) -m operators.stack.supervise down

status: $(STAMP) ## Say what runs
	@$(PYTHON) -m operators.headless.servers status
	@$(PYTHON) -m operators.stack.supervise status

test: lint ## Check style, types, imports and behaviour
	$(PYTHON) -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not slow"

test-slow: $(STAMP) ## Run soaks, repeated kills and heavy exports
	$(PYTHON) -m pytest -m slow

lint: $(STAMP) ## Check style, types and who imports whom
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

bench: $(STAMP) ## Measure one benchmark: NAME=restitch, QUICK=1 for a short run
	$(PYTHON) -m benchmarks.$(NAME) $(if $(QUICK),--quick)

chaos: $(STAMP) ## Kill and stop every server in the midst of runs: ARGS='--only scheduler,head'
	$(PYTHON) -m benchmarks.chaos $(ARGS)

readme: $(STAMP) ## Write what was measured into the READMEs
	$(PYTHON) -m benchmarks.readme

prune: $(STAMP) ## Remove what no result needs and nobody uses, old logs too: DRY=1 only says what
	@$(PYTHON) -m operators.stack.prune $(if $(DRY),--dry-run)

rollback: $(STAMP) ## Publish former panoramas again: FROM=/data/panoramas CAPTURES="corner-17" or RUN=id
	@$(PYTHON) -m tasks.panorama.archive.roll_back "$(FROM)" \
		$(if $(RUN),--run "$(RUN)") $(if $(CAPTURES),--captures $(CAPTURES))

lock: $(UV) ## Pin and hash what requirements/ names, for Orrery and for its peers
	cd requirements && ../$(UV) pip compile -q --no-emit-index-url --generate-hashes \
		--python-version $(PYTHON_VERSION) orrery.in -o orrery.lock
	cd requirements && ../$(UV) pip compile -q --no-emit-index-url --generate-hashes \
		--python-version $(PYTHON_VERSION) -c orrery.lock dev.in -o dev.lock
	cd requirements && for peer in peers/*.in; do ../$(UV) pip compile -q --no-emit-index-url \
		--generate-hashes --python-version $(PYTHON_VERSION) $$peer -o $${peer%.in}.lock || exit 1; done
	cd requirements && ../$(UV) pip compile -q --no-emit-index-url --generate-hashes \
		--python-version $(PYTHON_VERSION) node.in -o node.lock
	UV=$(CURDIR)/$(UV) PYTHON=$(CURDIR)/$(PYTHON) requirements/fetch-assets --lock

clean: ## Remove caches and the state of stopped services; results and MLflow's records stay
	@if [ -e .state/stack.json ]; then echo "the stack is up: make down first"; exit 1; fi
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	rm -rf .state/headless .state/logs .state/airflow .state/airflow-*.db
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

assets: $(STAMP) ## Fetch what pages hold of other projects: the sphere viewer (npm's registry)
	@UV=$(CURDIR)/$(UV) PYTHON=$(CURDIR)/$(PYTHON) requirements/fetch-assets

system-deps: ## Install what single systems need from the operating system (Debian, root)
	@requirements/system-deps

setup: $(STAMP) ## Only install

$(UV):
	@py=$$(command -v python$(PYTHON_VERSION) || command -v python3 || echo none); \
	$$py -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null || { \
		echo "Orrery needs Python $(PYTHON_VERSION); found: $$($$py --version 2>&1)." >&2; \
		echo "Install it as python$(PYTHON_VERSION) and run make again." >&2; exit 1; }; \
	$$py -m venv $(VENV)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

# One environment for running, testing and measuring. The stamp comes last: an interrupted
# installation is taken up again.
$(STAMP): requirements/dev.lock | $(UV)
	$(UV) pip sync --compile-bytecode --python $(PYTHON) requirements/dev.lock
	@requirements/system-deps --check
	@touch $@
