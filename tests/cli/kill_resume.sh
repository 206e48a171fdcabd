#!/usr/bin/env bash
# kill_resume.sh TSREC EXPERIMENT IN_STEPS TIGER: however a run is ended, the same command must end with the bytes of an
# undisturbed one. EXPERIMENT is killed at random moments, IN_STEPS and TIGER inside each stage that is done in steps, once
# with SIGKILL and once with SIGTERM. The undisturbed run of EXPERIMENT is done twice, in two stores, and must give the same
# bytes both times.
set -euo pipefail
tsrec=$1 experiment=$2 in_steps=$3 tiger=$4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { printf 'kill_resume: %s\n' "$*" >&2; exit 1; }

bytes() {  # every stored file with its digest, without times and counters
  (cd "$1/store" && find . -type f -print0 | sort -z | xargs -0 sha256sum)
}

# --- at random moments
"$tsrec" run "$experiment" --store "$work/plain" >"$work/plain.out" 2>&1
"$tsrec" run "$experiment" --store "$work/again" >"$work/again.out" 2>&1
diff <(bytes "$work/plain") <(bytes "$work/again") || fail "the same run twice gave other bytes"

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
diff <(bytes "$work/plain") <(bytes "$work/killed") || fail "after $kills kills the bytes differ"
echo "$kills kills at random moments, $resumed resumed stages, same bytes"

# --- inside each stage that is done in steps: one for each kind of part, and each model that is trained
said_in() {  # FILE STAGE WORDS: whether the stage's lines hold the words
  sed -n "/^$2  (/,/^[^ ]/p" "$1" | grep "$3" >/dev/null
}

ended_inside() {  # EXPERIMENT SIGNAL STAGES: one run after the other, each ended inside the next stage; the last one runs through
  local run=$1 signal=$2 stages=$3 name before="" stage out pid code
  name=$(basename "$run" .toml)
  local store=$work/$name.$signal
  for stage in $stages; do
    out=$store.$stage.out
    "$tsrec" run "$run" --store "$store" >"$out" 2>&1 &
    pid=$!
    until grep -q "^$stage  (" "$out" && compgen -G "$store/work/*/checkpoint" >/dev/null; do
      kill -0 "$pid" 2>/dev/null || { cat "$out"; fail "the run ended before $stage had a checkpoint"; }
      sleep 0.01
    done
    sleep "$(awk -v r="$RANDOM" 'BEGIN { print r / 150000 }')"
    kill -s "$signal" "$pid" 2>/dev/null || fail "the run ended before it could be stopped inside $stage; give it more steps"
    code=0; wait "$pid" 2>/dev/null || code=$?
    if [ "$signal" = TERM ]; then
      [ "$code" = 5 ] || { cat "$out"; fail "stopped inside $stage it ended with code $code, not 5"; }
      grep -qE "stopped at step .* of $stage|^ranking was stopped" "$out" || { cat "$out"; fail "the stop was not inside $stage"; }
    else
      [ "$code" = 137 ] || fail "killed inside $stage it ended with code $code, not 137"
    fi
    [ -z "$before" ] || said_in "$out" "$before" 'going on at step' || { cat "$out"; fail "$before began anew"; }
    before=$stage
  done
  "$tsrec" run "$run" --store "$store" >"$store.out" 2>&1
  said_in "$store.out" "$before" 'going on at step' || fail "$before began anew"
  diff <(bytes "$work/$name") <(bytes "$store") || fail "ended by SIG$signal inside $stages: the bytes differ"
  echo "$name: SIG$signal inside each of $stages: resumed, same bytes"
}

ended_inside_each() {  # EXPERIMENT STAGES
  local store
  store=$work/$(basename "$1" .toml)
  "$tsrec" run "$1" --store "$store" >"$store.out" 2>&1 || { cat "$store.out"; fail "$1 failed"; }
  ended_inside "$1" KILL "$2"
  ended_inside "$1" TERM "$2"
}

ended_inside_each "$in_steps" "quantize recommender.gru4rec recommender.caser recommender.sasrec recommender.hstu recommender.bert4rec backbone stage.sft stage.grpo"
ended_inside_each "$tiger" "stage.sft"
