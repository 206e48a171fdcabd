#!/usr/bin/env bash
# update_readmes.sh TSREC [--check]: writes the option tables of plugins/*/*/README.md, the part table of
# plugins/README.md and the host's keys of configs/README.md, or says which are stale.
set -euo pipefail
tsrec=$(realpath "$1") check=${2:-}
cd "$(dirname "$0")/.."
unset TSREC_PLUGIN_PATH
stale=0
for readme in plugins/README.md configs/README.md plugins/*/*/README.md; do
  kind=$(basename "$(dirname "$(dirname "$readme")")")
  fresh=$(mktemp)
  while IFS= read -r line; do
    case "$line" in
      '<!-- options: '*)
        part=${line#'<!-- options: '}; part=${part%' -->'}
        printf '%s\n' "$line"; "$tsrec" describe "$kind" "$part" --markdown; skip=1 ;;
      '<!-- parts -->')
        printf '%s\n' "$line"; "$tsrec" list --markdown; skip=1 ;;
      '<!-- host keys -->')
        printf '%s\n' "$line"; "$tsrec" describe host --markdown; skip=1 ;;
      '<!-- /options -->' | '<!-- /host keys -->' | '<!-- /parts -->') printf '%s\n' "$line"; skip=0 ;;
      *) [ "${skip:-0}" = 1 ] || printf '%s\n' "$line" ;;
    esac
  done <"$readme" >"$fresh"
  if ! cmp -s "$fresh" "$readme"; then
    stale=1
    if [ "$check" = --check ]; then echo "$readme is stale; run: make readmes"; else cat "$fresh" >"$readme"; echo "updated $readme"; fi
  fi
  rm -f "$fresh"
done
[ "$check" != --check ] || exit "$stale"
