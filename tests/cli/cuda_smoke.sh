#!/usr/bin/env bash
# A whole experiment on a CUDA device gives the numbers of the processor, but for rounding. Where no device is, the
# emulated one takes its place.
#
#   tests/cli/cuda_smoke.sh TSREC EXPERIMENT LIBEMULATED_CUDA
set -euo pipefail
tsrec=$1 experiment=$2 emulated=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { printf 'cuda_smoke: %s\n' "$*" >&2; exit 1; }

run() {  # DEVICE NAME; one thread, so that both cut their batches alike
  "$tsrec" run "$experiment" --store "$work/$2" --set run.device="$1" --set run.precision=float32 --set run.threads=1 \
    --set stage.sft.epochs=1 --set stage.grpo.max_steps=2 --set evaluate.limit=60 > "$work/$2.txt" 2>&1 ||
    { cat "$work/$2.txt"; fail "the run on $1 failed"; }
}
run cpu processor
LD_PRELOAD=$emulated run cuda device

# The table's cells of all ranking metrics; a rank or two may change places.
cells() { grep -E '^\| (item|sid)\.' "$work/$1.txt" | grep -v '\.\. ' | tr -d '|' ; }
[ "$(cells processor | wc -l)" -ge 10 ] || fail "no table of metrics"
paste <(cells processor) <(cells device) | awk '
  { half = NF / 2; for (i = 2; i <= half; ++i) { gap = $i - $(i + half); if (gap < -0.034 || gap > 0.034) { print; bad = 1 } else ++good } }
  END { print good + 0 " numbers agree"; exit bad || good < 40 }' || fail "the numbers differ"
grep -E '^\| stage.sft ' "$work/device.txt"
