#!/usr/bin/env bash
# The whole gate, the same locally and in continuous integration: the quick checks first, the tests last.
# Stops at the first that fails. `make test` sets up and calls it; alone it needs a .venv that is set up.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

bin=.venv/bin
if ! [ -x "$bin/pytest" ]; then
    echo "check: .venv holds no tools; run 'make test', which sets it up." >&2
    exit 1
fi

step() {
    local name=$1 started=$SECONDS
    shift
    printf -- '--- %s\n' "$name"
    "$@" || {
        printf -- '--- %s FAILED after %d s\n' "$name" $((SECONDS - started)) >&2
        exit 1
    }
    printf -- '--- %s: %d s\n' "$name" $((SECONDS - started))
}

# The model and what reads GES are covered to the last branch; everything together to `fail_under` of pyproject.toml.
fully_covered() {
    local report
    report=$("$bin/coverage" report --fail-under=100 --include='schema/*,gateway/planes/*') || {
        printf '%s\n' "$report" 'check: every branch of schema/ and gateway/planes/ needs a test.' >&2
        exit 1
    }
}

step format "$bin/ruff" format --check .
step lint "$bin/ruff" check .
step types "$bin/mypy"
step imports "$bin/lint-imports" --no-logo
step dockerfile "$bin/hadolint" Dockerfile
step locks "$bin/pytest" -q --no-header tests/test_locks.py tests/test_floors.py

# Its own closing line stays the last one printed.
printf -- '--- tests\n'
"$bin/pytest" --quiet --no-header --durations=5 --cov --cov-report=term:skip-covered
fully_covered
