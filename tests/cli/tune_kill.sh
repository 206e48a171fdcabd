#!/usr/bin/env bash
# tune_kill.sh TSREC EXPERIMENT: a tuning with two processes that is killed ends, by the same command, with what an
# undisturbed one chose, with the same bytes, and makes nothing twice that was stored. EXPERIMENT has a [tune].
set -euo pipefail
tsrec=$1 experiment=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { printf 'tune_kill: %s\n' "$*" >&2; exit 1; }

# shellcheck source=tests/cli/killed.sh
source "$(dirname "$0")/killed.sh"
tune() { "$tsrec" tune "$experiment" --jobs 2 --store "$1" --out "$1.toml"; }

tune "$work/plain" >"$work/plain.out" 2>&1 || { cat "$work/plain.out"; fail "it failed"; }
tune "$work/plain" >"$work/again.out" 2>&1
! grep -q '^[^=].*: [a-z.]*  (' "$work/again.out" || { cat "$work/again.out"; fail "a stored stage was made again"; }

# Killed while two trials are at work, and begun again while those still stop.
tune "$work/killed" >"$work/killed.out" 2>&1 &
pid=$!
until_two_train "$pid" "$work/killed.out"
killed_soon "$pid" "$work/killed"
tune "$work/killed" >"$work/resumed.out" 2>&1 || { cat "$work/resumed.out"; fail "it did not go on"; }
nothing_made_again "$work/killed"
diff "$work/plain.toml" "$work/killed.toml" || fail "another choice"
diff <(bytes "$work/plain") <(bytes "$work/killed") || fail "the bytes differ"
echo "killed with $(wc -l <"$work/before") of $(wc -l <"$work/after") stages stored; same choice, same bytes"
