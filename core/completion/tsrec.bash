# In ~/.bashrc:  eval "$(tsrec completion bash)"
_tsrec() {
  local line=${COMP_LINE:0:COMP_POINT} IFS=$'\n'
  COMPREPLY=($(tsrec complete "$line" 2>/dev/null))
  # bash takes what stands behind '=' and ':' for a word of its own.
  local word=${line##* }
  if [[ $word == *[=:]* ]]; then
    local start=${word%"${word##*[=:]}"}
    COMPREPLY=("${COMPREPLY[@]#"$start"}")
  fi
  if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]]; then compopt -o nospace; fi
}
complete -o default -F _tsrec tsrec
