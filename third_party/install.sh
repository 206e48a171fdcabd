#!/usr/bin/env bash
# Installs what tsrec builds with: Debian packages (apt.txt) and LibTorch (requirements.txt).
#
#   third_party/install.sh              idempotent; says what it does; needs sudo only when a package is missing
#
#   TSREC_LIBTORCH=DIR                  use that LibTorch (>= 2.6) and download none; CMAKE_PREFIX_PATH is searched too
#   TSREC_CUDA=1 | 0                    install the wheel's CUDA libraries as well, or never (default: when nvidia-smi answers)
#   TSREC_SKIP_APT=1                    touch no system packages
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: error: %s\n' "$*" >&2; exit 1; }

# --- Debian packages -------------------------------------------------------------------------------------------------
install_packages() {
  [ "${TSREC_SKIP_APT:-0}" != 1 ] || { say "system packages left alone (TSREC_SKIP_APT=1)"; return; }
  command -v dpkg-query >/dev/null || { say "no dpkg on this system: install the packages of third_party/apt.txt by hand"; return; }
  local missing=() name
  while read -r name; do
    dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null | grep -q '^installed$' || missing+=("$name")
  done < <(grep -vE '^ *(#|$)' "$here/apt.txt")
  [ ${#missing[@]} -gt 0 ] || { say "system packages: all present"; return; }
  say "installing ${#missing[@]} system packages: ${missing[*]}"
  local sudo=()
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || fail "not root and no sudo: ask an administrator for  apt-get install ${missing[*]}"
    sudo=(sudo)
  fi
  "${sudo[@]}" apt-get -qq update
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null
}

# --- LibTorch --------------------------------------------------------------------------------------------------------
pin() { sed -n "s/^$1==//p" "$here/requirements.txt"; }

wants_cuda() {
  case "${TSREC_CUDA:-auto}" in
    1) return 0 ;;
    0) return 1 ;;
    *) command -v nvidia-smi >/dev/null && nvidia-smi -L >/dev/null 2>&1 ;;
  esac
}

offered_libtorch() {  # prints the folder of a LibTorch that the user named, if any
  local dir
  for dir in "${TSREC_LIBTORCH:-}" $(tr ':;' '  ' <<<"${CMAKE_PREFIX_PATH:-}"); do
    [ -n "$dir" ] || continue
    for dir in "$dir" "$dir/torch"; do
      [ ! -e "$dir/lib/libtorch_cpu.so" ] || { printf '%s\n' "$dir"; return; }
    done
  done
}

unpack_wheels() {  # wheels of folder $1 -> folder $2
  local wheel
  for wheel in "$1"/*.whl; do unzip -q -o "$wheel" -d "$2"; done
}

install_libtorch() {
  local offered version cache place
  offered=$(offered_libtorch)
  if [ -n "$offered" ]; then say "LibTorch: using $offered"; return; fi
  [ -z "${TSREC_LIBTORCH:-}" ] || fail "TSREC_LIBTORCH=$TSREC_LIBTORCH holds no lib/libtorch_cpu.so; name the folder above it"

  version=$(pin torch)
  cache=${XDG_CACHE_HOME:-$HOME/.cache}/tsrec
  place=$cache/libtorch-$version
  if [ ! -e "$place/torch/lib/libtorch_cpu.so" ]; then
    say "LibTorch $version: downloading the torch wheel without its dependencies (540 MB) to $place"
    mkdir -p "$cache"
    local work; work=$(mktemp -d "$cache/.unpack.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    python3 -m pip download --quiet --no-deps --only-binary=:all: --dest "$work/wheels" -r "$here/requirements.txt"
    unpack_wheels "$work/wheels" "$work/tree"
    mv -T "$work/tree" "$place" 2>/dev/null || [ -e "$place/torch/lib/libtorch_cpu.so" ] || fail "could not move LibTorch to $place"
    rm -rf "$work"; trap - EXIT
  else
    say "LibTorch $version: present in $place"
  fi

  if wants_cuda && [ ! -e "$place/.cuda" ]; then
    say "CUDA libraries of the wheel: downloading (about 2.5 GB)"
    local work; work=$(mktemp -d "$cache/.unpack.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    python3 -m pip download --quiet --only-binary=:all: --dest "$work/wheels" "torch==$version"
    rm -f "$work/wheels"/torch-*.whl
    find "$work/wheels" -name '*.whl' ! -name 'nvidia_*' -delete
    unpack_wheels "$work/wheels" "$place"
    touch "$place/.cuda"
    rm -rf "$work"; trap - EXIT
  fi
}

install_packages
install_libtorch
