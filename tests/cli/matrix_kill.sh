#!/usr/bin/env bash
# matrix_kill.sh TSREC EXPERIMENT: a comparison whose cell, and then all of it, is killed while two are at work ends, by
# the same command, with the bytes of an undisturbed one, and makes nothing twice that was stored. So do three shares of
# it at once. EXPERIMENT has a [compare].
set -euo pipefail
tsrec=$1 experiment=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { printf 'matrix_kill: %s\n' "$*" >&2; exit 1; }

# shellcheck source=tests/cli/killed.sh
source "$(dirname "$0")/killed.sh"
compare() { "$tsrec" compare "$experiment" --set run.threads=1 --store "$@"; }
begin() { exec "$tsrec" compare "$experiment" --set run.threads=1 --store "$@"; }  # with & behind it: $! is tsrec itself
table() { grep '^|' "$1"; }
child_of() {  # PID: one of its children
  awk -v parent="$1" '{ sub(/.*\) /, ""); if ($2 == parent) print FILENAME }' /proc/[0-9]*/stat 2>/dev/null | head -1 | cut -d/ -f3
}
begun() { grep -cE '^([^=].*: )?[a-z]+(\.[a-z_]+)?  \(' "$1" || true; }  # lines of stages that were made

# --- shares, side by side on one store
for share in 1 2 3; do compare "$work/shared" --shard "$share/3" >"$work/share.$share.out" 2>&1 & done
for job in $(jobs -p); do wait "$job" || { cat "$work"/share.*.out; fail "a share failed"; }; done
stored=$(made "$work/shared" | wc -l)
did=$(cat "$work"/share.?.out >"$work/shares.out"; begun "$work/shares.out")
[ "$did" = "$stored" ] || { cat "$work/shares.out"; fail "$did stages were made, and $stored are stored"; }
made "$work/shared" >"$work/before"
compare "$work/shared" >"$work/report.out" 2>&1 || { cat "$work/report.out"; fail "the report failed"; }
[ "$(begun "$work/report.out")" = 0 ] || { cat "$work/report.out"; fail "the report made a stage again"; }
made "$work/shared" | diff "$work/before" - || fail "the report changed what was stored"
[ -z "$(ls "$work/shared/locks")" ] || fail "locks are left: $(ls "$work/shared/locks")"

# --- a cell's process is killed: the others end, it fails, and the command says which
begin "$work/killed" --jobs 2 >"$work/cell.out" 2>&1 &
pid=$!
until_two_train "$pid" "$work/cell.out"
kill -9 "$(child_of "$pid" || true)"
code=0; wait "$pid" || code=$?
[ "$code" = 4 ] || { cat "$work/cell.out"; fail "with a killed cell it ended with code $code, not 4"; }
grep -q 'its process failed: it was ended by signal 9' "$work/cell.out" || { cat "$work/cell.out"; fail "no word of the kill"; }
made "$work/killed" >"$work/before"

# --- all of it is killed, and begun again while its children still stop
begin "$work/killed" --jobs 2 >"$work/all.out" 2>&1 &
pid=$!
until_two_train "$pid" "$work/all.out"
made "$work/killed" | comm -23 "$work/before" - | grep . && fail "a stored stage was made again behind a killed cell"
killed_soon "$pid" "$work/killed"
compare "$work/killed" --jobs 2 >"$work/resumed.out" 2>&1 || { cat "$work/resumed.out"; fail "it did not go on"; }
nothing_made_again "$work/killed"
diff <(table "$work/report.out") <(table "$work/resumed.out") || fail "another table"
diff <(bytes "$work/shared") <(bytes "$work/killed") || fail "the bytes differ"
echo "three shares: $stored stages, each once; killed with $(wc -l <"$work/before") of them stored; same bytes, same table"
