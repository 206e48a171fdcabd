# Sourced by scripts that kill what runs two jobs side by side: what a store holds, and when to kill. They define
# fail() and $work.

bytes() {  # every stored file with its digest
  (cd "$1/store" && find . -type f -print0 | sort -z | xargs -0 sha256sum)
}
made() {  # every stored stage with the time at which it was made
  (cd "$1/store" && find . -name digest.txt -printf '%p %T@\n' | sort)
}
until_two_train() {  # PID OUT: until OUT says that two jobs are inside their SFT
  until [ "$(grep -c ': stage.sft  (' "$2")" -ge 2 ]; do
    kill -0 "$1" 2>/dev/null || { cat "$2"; fail "it ended before two were at work"; }
    sleep 0.02
  done
}
killed_soon() {  # PID STORE: killed within half a second; what was stored then is listed in $work/before
  sleep "$(awk -v r="$RANDOM" 'BEGIN { print r / 60000 }')"
  kill -9 "$1" 2>/dev/null || fail "it ended before it could be killed; give it more steps"
  wait "$1" 2>/dev/null || true
  made "$2" >"$work/before"
}
nothing_made_again() {  # STORE: all that was listed there is as it was
  made "$1" >"$work/after"
  [ -z "$(comm -23 "$work/before" "$work/after")" ] || fail "a stored stage was made again"
}
