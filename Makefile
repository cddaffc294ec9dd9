# Pellucid: one command for each thing to do. `make help` lists them.

.DEFAULT_GOAL := help
.PHONY: help run build docs test test-soak test-phoenix bench bench-quick pii-eval profile fuzz soak docker clean install-packages install-test-packages install-bench-packages

## Seconds of each fuzzing subject, for `make fuzz`.
SECONDS ?= 600
## Requests of the soak, for `make soak`.
REQUESTS ?= 1000000
## More options for the benchmark, for instance BENCH="--only json --json figures.json".
BENCH ?=
## More options for the PII evaluation, for instance PII="--each 20 --languages de,fr".
PII ?=

help: ## Lists what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build ## Builds the gateway and starts the demonstration: no key, no network needed
	@exec .build/release/pellucid demo

build: install-packages ## Builds the release binary .build/release/pellucid
	@echo "Building the release binary (some minutes the first time)"
	@scripts/build-release pellucid

docs: build ## Writes docs/compatibility.md from the decoders and docs/metrics.md from the instruments
	@.build/release/pellucid compatibility > docs/compatibility.md
	@.build/release/pellucid metrics > docs/metrics.md

test: install-packages install-test-packages ## Runs every test: unit, short fuzzing, end to end with real clients and servers
	@scripts/venv
	@scripts/test

test-soak: install-packages install-test-packages ## The same with 10,000 mixed requests in the agreement test
	@scripts/venv
	@scripts/test 10000

test-phoenix: build install-test-packages ## Sends spans to a real Phoenix and reads them back (installs a gigabyte of packages into .venv-phoenix)
	@scripts/venv
	@test -x .venv-phoenix/bin/phoenix || (python3 -m venv .venv-phoenix && .venv-phoenix/bin/python -m pip install --quiet --disable-pip-version-check -r Tests/Phoenix/requirements.txt)
	@.venv/bin/python -m pytest -c Tests/Phoenix/pytest.ini --rootdir Tests/Phoenix Tests/Phoenix

bench: build install-bench-packages ## Compares with nginx side by side and checks the budgets (about 15 minutes)
	@scripts/build-release pellucid-load
	@python3 Tests/Performance/bench.py $(BENCH)

bench-quick: build install-bench-packages ## A rough benchmark in three minutes
	@scripts/build-release pellucid-load
	@python3 Tests/Performance/bench.py --quick $(BENCH)

pii-eval: build ## Precision, recall and F1 of the PII detector beside presidio-analyzer, and throughput (PII="--each 20")
	@scripts/pii-venv
	@.venv-pii/bin/python Tests/Performance/pii_eval/evaluate.py $(PII)

profile: install-packages install-bench-packages ## Measures anew which code is hot, for the layout of release builds (about eight minutes)
	@scripts/profile

soak: build install-bench-packages ## A million requests; memory must stay flat (REQUESTS=…)
	@scripts/build-release pellucid-load
	@python3 Tests/Performance/soak.py --requests $(REQUESTS)

fuzz: install-packages ## Fuzzes the HTTP codec against its oracle, and the SSE, JSON and event stream scanners, the PII detector (SECONDS=600 each)
	@scripts/build-release pellucid-fuzz
	@for subject in http sse json eventstream hpack pii; do echo "Fuzzing $$subject for $(SECONDS) s"; .build/release/pellucid-fuzz $$subject --seconds $(SECONDS) || exit 1; done

docker: ## Builds the container image pellucid:latest
	docker build -t pellucid:latest .

clean: ## Removes what was built
	rm -rf .build .build-profile .venv .venv-pii

install-packages:
	@scripts/install-packages build

install-test-packages:
	@scripts/install-packages test

install-bench-packages:
	@scripts/install-packages bench
