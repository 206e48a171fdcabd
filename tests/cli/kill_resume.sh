#!/usr/bin/env bash
# kill_resume.sh TSREC EXPERIMENT: killed with SIGKILL again and again, a run must end with the bytes of an undisturbed one.
# The undisturbed run is done twice, in two stores, and must give the same bytes both times.
set -euo pipefail
tsrec=$1 experiment=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

bytes() {  # every stored file with its digest, without times and counters
  (cd "$1/store" && find . -type f ! -name lock -print0 | sort -z | xargs -0 sha256sum)
}

"$tsrec" run "$experiment" --store "$work/plain" >"$work/plain.out" 2>&1
"$tsrec" run "$experiment" --store "$work/again" >"$work/again.out" 2>&1
diff <(bytes "$work/plain") <(bytes "$work/again") || { echo "the same run twice gave other bytes"; exit 1; }

kills=0
for attempt in $(seq 1 40); do
  "$tsrec" run "$experiment" --store "$work/killed" >"$work/killed.$attempt.out" 2>&1 &
  pid=$!
  # Later attempts live longer, so that kills fall into every stage and the loop ends.
  sleep "$(awk -v a="$attempt" -v r="$RANDOM" 'BEGIN { print 0.3 + a * 0.08 + r / 100000 }')"
  if kill -9 "$pid" 2>/dev/null; then kills=$((kills + 1)); fi
  if wait "$pid" 2>/dev/null; then break; fi
done
"$tsrec" run "$experiment" --store "$work/killed" >"$work/killed.out" 2>&1
resumed=$(cat "$work"/killed.*.out | grep -c 'going on at step' || true)
diff <(bytes "$work/plain") <(bytes "$work/killed") || { echo "after $kills kills the bytes differ"; exit 1; }
echo "$kills kills, $resumed resumed stages, same bytes"
