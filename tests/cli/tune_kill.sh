#!/usr/bin/env bash
# tune_kill.sh TSREC EXPERIMENT: a tuning with two processes that is killed ends, by the same command, with what an
# undisturbed one chose, with the same bytes, and makes nothing twice that was stored. EXPERIMENT has a [tune].
set -euo pipefail
tsrec=$1 experiment=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { printf 'tune_kill: %s\n' "$*" >&2; exit 1; }

bytes() {  # every stored file with its digest
  (cd "$1/store" && find . -type f -print0 | sort -z | xargs -0 sha256sum)
}
made() {  # every stored stage with the time at which it was made
  (cd "$1/store" && find . -name digest.txt -printf '%p %T@\n' | sort)
}
tune() { "$tsrec" tune "$experiment" --jobs 2 --store "$1" --out "$1.toml"; }

tune "$work/plain" >"$work/plain.out" 2>&1 || { cat "$work/plain.out"; fail "it failed"; }
tune "$work/plain" >"$work/again.out" 2>&1
! grep -q '^[^=].*: [a-z.]*  (' "$work/again.out" || { cat "$work/again.out"; fail "a stored stage was made again"; }

# Killed while two trials are at work, and begun again while those still stop.
tune "$work/killed" >"$work/killed.out" 2>&1 &
pid=$!
until [ "$(grep -c ': stage.sft  (' "$work/killed.out")" -ge 2 ]; do
  kill -0 "$pid" 2>/dev/null || { cat "$work/killed.out"; fail "it ended before two trials were at work"; }
  sleep 0.02
done
sleep "$(awk -v r="$RANDOM" 'BEGIN { print r / 60000 }')"
kill -9 "$pid" 2>/dev/null || fail "it ended before it could be killed; give it more steps"
wait "$pid" 2>/dev/null || true
made "$work/killed" >"$work/before"
tune "$work/killed" >"$work/resumed.out" 2>&1 || { cat "$work/resumed.out"; fail "it did not go on"; }
made "$work/killed" >"$work/after"
[ -z "$(comm -23 "$work/before" "$work/after")" ] || fail "a stored stage was made again"
diff "$work/plain.toml" "$work/killed.toml" || fail "another choice"
diff <(bytes "$work/plain") <(bytes "$work/killed") || fail "the bytes differ"
echo "killed with $(wc -l <"$work/before") of $(wc -l <"$work/after") stages stored; same choice, same bytes"
