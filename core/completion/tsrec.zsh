# In ~/.zshrc, behind compinit:  eval "$(tsrec completion zsh)"
_tsrec() {
  local -a found open closed
  found=("${(@f)$(tsrec complete "${(j: :)words[1,CURRENT]}" 2>/dev/null)}")
  found=("${(@)found:#}")
  if (( ! ${#found} )); then _files; return; fi
  open=("${(@M)found:#*=}") closed=("${(@)found:#*=}")
  (( ${#open} )) && compadd -S '' -a open
  (( ${#closed} )) && compadd -a closed
}
compdef _tsrec tsrec
