# Every target prints the plain command it runs; make itself is a convenience.
.DEFAULT_GOAL := help
.PHONY: help run verify fetch test faults slurm lint audit bench report clean

PYTHON ?= python3
CORES ?= all
VENV := .venv
# Rules start `python` by name: the environment's own must come first.
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

help:
	@echo "make run     find, score and explain subtypes of the simulated cohort (no download), or of what CONFIG=file.yaml names"
	@echo "make verify  check the files of results/ against results/manifest.tsv (MANIFEST=), or OTHER=manifest.tsv of another run against it"
	@echo "make fetch   download what CONFIG=file.yaml reads into TO=folder, a mirror for a machine without a network"
	@echo "make test    run the tests"
	@echo "make faults  kill, starve and lock out runs of the workflow, and write the table of docs/reliability.md"
	@echo "make slurm   run the tests on a SLURM cluster of their own"
	@echo "make lint    check style and workflow"
	@echo "make audit   look up known vulnerabilities of the pinned packages (needs pypi.org)"
	@echo "make bench   measure speed against named references (long; DATA=folder for what needs the data sets)"
	@echo "make report  write results/report.html again"
	@echo "make clean   remove results/ (not the environment)"

$(VENV)/installed: constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "AMUCL needs Python 3.11 or newer; $(PYTHON) is older. Try: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r constraints.txt
	touch $@

run: $(VENV)/installed
	$(if $(CONFIG),python workflow/check_config.py $(CONFIG))
	snakemake --cores $(CORES) $(if $(CONFIG),--configfile $(CONFIG))
	@echo "The report: $(CURDIR)/results/report.html"

verify: $(VENV)/installed
	python workflow/verify.py $(MANIFEST) $(if $(OTHER),--other $(OTHER))

test: $(VENV)/installed
	python -m pytest --numprocesses auto --maxprocesses 4 --no-loadscope-reorder

fetch: $(VENV)/installed
	snakemake --cores 4 $(if $(CONFIG),--configfile $(CONFIG)) $(if $(TO),--config downloads=$(TO)) -- fetch

faults: $(VENV)/installed
	PYTHONPATH=src:workflow:. python -m tests.faults.table --write

slurm: $(VENV)/installed
	python -m pytest -rs -m slurm tests/slurm

lint: $(VENV)/installed
	ruff check
	ruff format --check
	snakefmt --check Snakefile workflow/Snakefile workflow/rules
	snakemake --lint

.audit/bin/pip-audit:
	$(PYTHON) -m venv .audit
	.audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit==2.10.1

# Strict: a package that cannot be looked up is a failure, not a clean bill.
audit: .audit/bin/pip-audit
	.audit/bin/pip-audit --strict --requirement constraints.txt --no-deps --disable-pip

bench: $(VENV)/installed
	PYTHONPATH=src:. python -m benchmarks.evaluation
	PYTHONPATH=src:. python -m benchmarks.lowrank
	PYTHONPATH=src:. python -m benchmarks.counts
	PYTHONPATH=src:. python -m benchmarks.dmacl $(if $(DATA),--data $(DATA))
ifdef DATA
	PYTHONPATH=src:. python -m benchmarks.biology --sets $(DATA)/mirror/genesets
	PYTHONPATH=src:. python -m benchmarks.agreement --data $(DATA)
	PYTHONPATH=src:. python -m benchmarks.transfer --data $(DATA)
endif

report: $(VENV)/installed
	snakemake --cores 1 --forcerun report -- results/report.html

clean:
	find results -mindepth 1 -not -name README.md -delete
