#!/usr/bin/env bash
# installed.sh BUILD WORK: an installed tsrec, moved to another folder, serves somebody outside this tree: every header
# compiles alone; a plugin of every kind is generated, built, tested and run; another LibTorch is refused.
set -euo pipefail
build=$(realpath "$1") work=$2 here=$(cd "$(dirname "$0")" && pwd)
unset TSREC_PLUGIN_PATH TSREC_STORE TSREC_LIBTORCH
rm -rf "$work"; mkdir -p "$work"; work=$(realpath "$work")
fail() { printf 'installed.sh: %s\n' "$*" >&2; exit 1; }

cmake --install "$build" --prefix "$work/first" >/dev/null
mv "$work/first" "$work/moved"
prefix=$work/moved PATH=$work/moved/bin:$PATH
tsrec doctor --store "$work/store" >"$work/doctor.txt" || { cat "$work/doctor.txt"; fail "tsrec doctor fails after the move"; }
grep -q "$prefix/lib/tsrec/plugins  (installed" "$work/doctor.txt" || fail "the moved tsrec looks for plugins elsewhere"
grep -q "$prefix/lib/libtsrec.so" "$work/doctor.txt" || fail "the moved tsrec loads another libtsrec.so"
tsrec run tsrec:experiments/000_smoke --check --store "$work/store" >"$work/smoke.txt" 2>&1 || { cat "$work/smoke.txt"; fail "the installed smoke test fails"; }

# --- one project for all that is compiled, so that LibTorch's headers are parsed once ---------------------------------
mkdir "$work/all"; cd "$work/all"
kinds=$(tsrec list | grep -oE '^[a-z]+')
templates=$(ls "$prefix/share/tsrec/template" | grep -vx any)
[ "$(sort <<<"$kinds")" = "$(sort <<<"$templates")" ] || fail "tsrec list shows other kinds than there are templates: $kinds"
for kind in $kinds; do tsrec new plugin "$kind" "my_$kind" >/dev/null; done
mkdir headers
(cd "$prefix/include" && find tsrec -name '*.hpp') | while read -r header; do
  printf '#include "%s"\n#include "%s"\n' "$header" "$header" >"headers/$(tr '/.' '__' <<<"$header").cpp"
done
cat >CMakeLists.txt <<'CMAKE'
cmake_minimum_required(VERSION 3.25)
project(all LANGUAGES CXX)
enable_testing()
find_package(tsrec 0.1 REQUIRED COMPONENTS testing)
file(GLOB folders */CMakeLists.txt)
foreach(file IN LISTS folders)
  cmake_path(GET file PARENT_PATH folder)
  add_subdirectory(${folder})
endforeach()
# Each header as the first and only one of a file. The precompiled header is what each of them includes first.
file(GLOB headers headers/*.cpp)
add_library(headers OBJECT ${headers})
tsrec_language(headers)
target_link_libraries(headers PRIVATE tsrec::tsrec tsrec::testing)
target_compile_options(headers PRIVATE -fsyntax-only)
tsrec_precompiled(headers)
CMAKE
cmake -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS="-Wall -Wextra -Werror" >configure.txt 2>&1 || { cat configure.txt; fail "find_package(tsrec) fails"; }
! grep -qi cuda_toolkit configure.txt || fail "the package asks for a CUDA toolkit"
cmake --build build >build.txt 2>&1 || { grep -E 'error|FAILED' -A3 build.txt | head -40; fail "a generated plugin does not build"; }
ctest --test-dir build --output-on-failure --no-tests=error -j2 >ctest.txt 2>&1 || { cat ctest.txt; fail "a generated plugin fails its test"; }
[ "$(grep -c Passed ctest.txt)" = $((2 * $(wc -w <<<"$kinds"))) ] || { cat ctest.txt; fail "expected two tests for each kind"; }

for kind in $kinds; do
  (cd "my_$kind" && tsrec run experiment.toml --store "$work/store" >run.txt 2>&1) || { cat "my_$kind/run.txt"; fail "the experiment of my_$kind fails"; }
  grep -q "item.hr@10" "my_$kind/run.txt" || fail "the experiment of my_$kind prints no table"
done
grep -q "my_recommender" my_recommender/run.txt || fail "the new recommender is no column of its table"
grep -q "item.my_metric@10" my_metric/run.txt || fail "the new metric is no row of its table"
names=$(nm -D --defined-only --format=just-symbols my_reward/plugins/my_reward.so | tr '\n' ' ')
[ "$names" = "tsrec_facts tsrec_plugin " ] || fail "a third-party plugin exports: $names"

# A run folder finds the plugins from outside the installation again.
run=$(sed -n 's/^run folder: //p' my_quantizer/run.txt)
tsrec recommend "$run" item-3 --store "$work/store" >/dev/null || fail "recommend does not find the run's plugin"

# --- a rebuilt plugin of version 0.x runs again; an equal one does not ------------------------------------------------
tsrec plan my_quantizer/experiment.toml --store "$work/store" | grep -q "quantize  *stored" || fail "an unchanged plugin would run again"
sed -i 's/Codes by cuts along random directions/Codes by cuts along directions/' my_quantizer/my_quantizer.cpp
cmake --build build --target plugin_quantizer_my_quantizer >build.txt 2>&1
tsrec plan my_quantizer/experiment.toml --store "$work/store" | grep -q "quantize  *runs: file changed: my_quantizer.so (plugin)" || fail "a changed plugin would not run again"

# --- two plugins with one name, and a name that exists ----------------------------------------------------------------
! tsrec new plugin quantizer my_quantizer 2>new.txt || fail "an existing folder is overwritten"
grep -q "'my_quantizer' exists already" new.txt || fail "no sentence about the existing folder"
! tsrec new plugin quantiser x 2>new.txt || fail "a kind that does not exist"
grep -q "did you mean 'quantizer'" new.txt || fail "no suggestion for the kind"

! tsrec new plugin quantizer rq_kmeans 2>new.txt || fail "a name that a part has"
grep -q "there is a quantizer 'rq_kmeans' already" new.txt || fail "no sentence about the part of that name"
tsrec new plugin reward reward >/dev/null && grep -q 'class RewardPart final : public Reward' reward/reward.cpp || fail "a part named like its kind"
tsrec new plugin metric settings >/dev/null && grep -q 'class SettingsMetric final : public Metric' settings/settings.cpp || fail "a part named like its settings"

# --- another LibTorch is refused with a sentence ----------------------------------------------------------------------
mkdir -p "$work/old/lib" "$work/old/include/torch/csrc/api/include/torch"
touch "$work/old/lib/libtorch_cpu.so"
printf '#define TORCH_VERSION_MAJOR 2\n#define TORCH_VERSION_MINOR 7\n#define TORCH_VERSION_PATCH 1\n' >"$work/old/include/torch/csrc/api/include/torch/version.h"
! cmake -S my_reward -B "$work/refused" -DTSREC_LIBTORCH="$work/old" >refused.txt 2>&1 || fail "another LibTorch is taken"
tr -s ' \n' ' ' <refused.txt | grep -q "tsrec was built with LibTorch [0-9.]*, and so must its plugins" || { cat refused.txt; fail "no sentence about the other LibTorch"; }
grep -q "version 2.7.1 is not" refused.txt || { cat refused.txt; fail "the sentence does not name the version"; }
echo "installed.sh: all fine"
