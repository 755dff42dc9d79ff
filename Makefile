# `make test` and `make demo` work in a bare checkout: both first make the virtual
# environment, for which they need Python 3.10 to 3.13 and a C++ compiler.

PYTHON ?= python3
# Where torch is found besides PyPI, whose torch is for CUDA. Of processors alone:
# make test TORCH_INDEX=https://download.pytorch.org/whl/cpu
TORCH_INDEX ?=
VENV ?= .venv
OFFICIAL_PYTHON ?= python3.10
# Test processes; those of one file run in one of them.
JOBS ?= 2

PYTHON_VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
# fairseq 0.12.2 runs on the first only, fairseq-fixed on the others.
OFFICIAL := $(filter 3.10,$(PYTHON_VERSION))
FIXED := $(filter 3.11 3.12 3.13,$(PYTHON_VERSION))
# fairseq-fixed would download a second torch into an isolated build; fairseq 0.12.2
# must not see torch while it builds: its archive lacks the C++ files that it then wants.
ISOLATION := $(if $(FIXED),--no-build-isolation)

BIN := $(abspath $(VENV))/bin
# With CUDA_HOME set, fairseq compiles CUDA kernels that nothing here uses.
PIP := env -u CUDA_HOME $(BIN)/python -m pip install -c constraints.txt \
	$(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))
# More OpenMP threads than free cores slow small models down many times over.
# Huge pages spare torch the page faults of large tensors (a switch of torch's own).
RUN := PATH="$(BIN):$$PATH" OMP_NUM_THREADS=1 THP_MEM_ALLOC_ENABLE=1

WORKFLOW := examples/mlkd/workflow

.PHONY: test test-official demo docs lint clean

test: $(VENV)/.installed
	$(RUN) $(BIN)/python -m pytest -n $(JOBS) --dist loadfile $(if $(SLOW),--slow --no-loadscope-reorder)

test-official:
	$(MAKE) test PYTHON=$(OFFICIAL_PYTHON) VENV=.venv-official

demo: $(VENV)/.installed
	$(RUN) $(BIN)/snakemake --profile $(WORKFLOW)/profiles/laptop --quiet rules progress \
		--snakefile $(WORKFLOW)/Snakefile \
		--configfile examples/mlkd/config/study/demo.yaml --directory demo
	@cd demo && $(RUN) $(BIN)/python ../examples/mlkd/sentences.py world \
		"teacher=ft/{benchmark}/teacher-seed1/checkpoint_best.pt" \
		"vanilla student=ft/{benchmark}/vanilla-seed1/checkpoint_best.pt" \
		"distilled student=ft/{benchmark}/distilled-seed1/checkpoint_best.pt"

# Fails on a broken link or a name that is not in the code; needs Python 3.11 or later.
docs: $(VENV)/.installed
	NO_MKDOCS_2_WARNING=1 $(RUN) $(BIN)/mkdocs build --strict

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The version is written in __init__.py.
$(VENV)/.installed: setup.py constraints.txt fairseq_mlkd/__init__.py
	$(if $(OFFICIAL)$(FIXED),,$(error fairseq_mlkd needs Python 3.10 to 3.13, \
	and $(PYTHON) is $(or $(PYTHON_VERSION),missing): name another one, as in \
	make PYTHON=python3.11))
	$(PYTHON) -m venv $(VENV)
	$(if $(OFFICIAL),$(PIP) 'pip<24.1')
	$(PIP) torch numpy cython 'setuptools<81' setuptools_scm wheel
	$(PIP) $(ISOLATION) -e '.[all,dev,docs]'
# fairseq-fixed asks for torchaudio, which nothing here needs. PyPI's is for CUDA; beside
# a torch for processors it cannot be loaded, and breaks the models of transformers.
	$(BIN)/python -c 'import torchaudio' 2> /dev/null || \
		$(BIN)/python -m pip uninstall -q -y torchaudio
	touch $@

clean:
	rm -rf .venv* build dist demo *.egg-info .pytest_cache .ruff_cache .mypy_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
