#!/usr/bin/env bash
# first_error.sh CMAKE BUILD TARGET SENTENCE: the target does not compile, and the first error holds the sentence.
set -euo pipefail
cmake=$1 build=$2 target=$3 sentence=$4
out=$(mktemp)
trap 'rm -f "$out"' EXIT
if "$cmake" --build "$build" --target "$target" >"$out" 2>&1; then
  echo "first_error.sh: $target compiles"
  exit 1
fi
first=$(grep -m 1 'error:' "$out" || true)
case "$first" in
  *"$sentence"*) echo "$first" ;;
  *) cat "$out"; echo "first_error.sh: the first error does not say: $sentence"; exit 1 ;;
esac
