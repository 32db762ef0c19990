#!/bin/sh
# Installs what tests need from the system. Silent and fast when all of it is there.
set -eu

fail() {
    printf 'system: %s\n' "$*" >&2
    exit 1
}

has_any() {
    for program in "$@"; do
        if command -v "$program" >/dev/null; then return 0; fi
    done
    return 1
}

missing=""
has_any chromium chromium-browser || missing="$missing chromium"
has_any node || missing="$missing nodejs"
has_any redis-server || missing="$missing redis-server"
has_any npm || missing="$missing npm"
[ -n "$missing" ] || exit 0

has_any apt-get || fail "the tests need$missing; this system has no apt-get, so install it by hand."
as_root=""
if [ "$(id -u)" -ne 0 ]; then
    if ! has_any sudo || ! sudo -n true 2>/dev/null; then
        fail "the tests need$missing. As root: apt-get install$missing"
    fi
    as_root="sudo -n"
fi

printf 'system: installing%s\n' "$missing"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# Words are split on purpose: $as_root may be empty, $missing holds several names.
# shellcheck disable=SC2086
if ! { $as_root apt-get update -q &&
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing; } \
    >"$log" 2>&1 </dev/null; then
    cat "$log" >&2
    fail "apt-get could not install$missing; its messages are above."
fi
