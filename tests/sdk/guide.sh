#!/usr/bin/env bash
# guide.sh SOURCE BUILD WORK: does what core/README.md says, literally: its commands are run, its files are written. The
# last command must print the third-party parts in a table.
set -euo pipefail
source=$(realpath "$1") work=$3
export BUILD; BUILD=$(realpath "$2")
rm -rf "$work"; mkdir -p "$work/home"
export XDG_CACHE_HOME=${XDG_CACHE_HOME:-$HOME/.cache} HOME; HOME=$(realpath "$work/home")
unset TSREC_PLUGIN_PATH TSREC_STORE TSREC_LIBTORCH CMAKE_PREFIX_PATH

# Fenced blocks behind "<!-- run -->" become commands, those behind "<!-- file: NAME -->" files, in the order of the text.
awk '
  /^<!-- run -->$/      { mode = "run"; next }
  /^<!-- file: .* -->$/ { mode = "file"; name = $3; next }
  /^```/ && mode == "run"  { inside = !inside; if (!inside) mode = ""; next }
  /^```/ && mode == "file" {
    if (!inside) { inside = 1; printf "cat >\"%s\" <<\"END_OF_FILE\"\n", name } else { inside = 0; mode = ""; print "END_OF_FILE" }
    next
  }
  inside { print }
' "$source/core/README.md" >"$work/guide.sh"
grep -q 'tsrec new plugin' "$work/guide.sh" || { echo "guide.sh: core/README.md holds no commands"; exit 1; }
cd "$source"
bash -euo pipefail "$work/guide.sh" >"$work/guide.txt" 2>&1 || { tail -40 "$work/guide.txt"; echo "guide.sh: a command of core/README.md fails"; exit 1; }
grep -E '^\| (sphere|k_means):grpo ' "$work/guide.txt"
[ "$(grep -cE '^\| (sphere|k_means):grpo +\| [0-9.]+' "$work/guide.txt")" = 2 ] || { tail -40 "$work/guide.txt"; echo "guide.sh: the table lacks the new parts"; exit 1; }
