#!/usr/bin/env bash
# sanitized.sh TSREC PLUGINS EXPERIMENT: with a tsrec that was built with sanitizers, loads, uses and leaves every shipped
# plugin: list, check of each file, a whole run. Any report of a sanitizer, also one at exit, is a failure.
set -euo pipefail
tsrec=$1 plugins=$2 experiment=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# LibTorch is not instrumented: what it allocates once for the process is not freed, and its allocator hides container
# bounds. What tsrec and the plugins leak is reported.
printf 'leak:libtorch_cpu.so\nleak:libc10.so\nleak:libgomp\nleak:ld-linux\n' >"$work/suppressions"
# Where a library's thread-local block begins at certain addresses, the interceptor takes what lies before it for a header,
# and LeakSanitizer falls over what it reads there: so blocks are not looked into, and what only they point to is a leak.
export ASAN_OPTIONS=detect_leaks=1:detect_container_overflow=0:intercept_tls_get_addr=0 UBSAN_OPTIONS=print_stacktrace=1
export LSAN_OPTIONS=suppressions=$work/suppressions:print_suppressions=0
"$tsrec" doctor >"$work/doctor" 2>&1 || { cat "$work/doctor"; exit 1; }
grep -q 'san=address' "$work/doctor" || { echo "this tsrec was built without AddressSanitizer"; exit 1; }

# LeakSanitizer looks at all threads while they stand still, and now and then falls over a thread that was just ending.
# That says nothing of the command, which is run again.
fell_over() { grep -q 'LeakSanitizer has encountered a fatal error' "$work/out"; }

clean() {  # name, command...: must succeed and report nothing
  local name=$1 is_fine=; shift
  for _ in 1 2 3; do
    rm -rf "$work/store"
    "$@" >"$work/out" 2>&1 && is_fine=1 && break
    fell_over || break
  done
  [ -n "$is_fine" ] || { tail -60 "$work/out"; echo "$name failed"; exit 1; }
  ! grep -E 'runtime error:|AddressSanitizer|LeakSanitizer' -A12 "$work/out" || { echo "$name: a sanitizer reports"; exit 1; }
}

clean list "$tsrec" list
files=$(find "$plugins" -name '*.so' | sort)
for file in $files; do
  name=$(basename "$file" .so) options=()
  [ "$name" != rq_vae ] || options=(--set rq_vae.epochs=2)  # the default is 100 times as long
  clean "check $name" "$tsrec" check "$file" --seconds 600 "${options[@]}"
done
clean run "$tsrec" run "$experiment" --check --store "$work/store"
# In processes of their own: how stages are handed over, so without the long ones.
clean isolated "$tsrec" run "$experiment" --isolate --store "$work/store" --set stage.sft.enabled=false --set stage.grpo.enabled=false
echo "sanitized.sh: $(wc -w <<<"$files") plugins loaded, used and left; no report"
