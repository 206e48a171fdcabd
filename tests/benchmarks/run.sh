#!/bin/sh
# One benchmark, ours and (with --peer PYTHON) the Python peer in turn: ours, peer, ours, peer. JSON lines go to standard
# output. --recbole: the Python that has RecBole, where it is another one.
#   run.sh JOB [--bin tsrec_bench] [--folder DIR] [--data INDUSTRIAL] [--model HF_FOLDER] [--peer PYTHON]
#          [--recbole PYTHON] [--device cpu | cuda] [--precision float32 | bfloat16] [-- MORE OF OURS]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
job=$1
shift
bin=$here/../../build/bin/tsrec_bench folder=bench data="" model="" peer="" recbole="" device=cpu precision=float32
while [ $# -gt 0 ]; do
  case $1 in
    --bin) bin=$2 ;;
    --folder) folder=$2 ;;
    --data) data=$2 ;;
    --model) model=$2 ;;
    --peer) peer=$2 ;;
    --recbole) recbole=$2 ;;
    --device) device=$2 ;;
    --precision) precision=$2 ;;
    --) shift; break ;;
    *) echo "run.sh: what is '$1'?" >&2; exit 2 ;;
  esac
  shift 2
done
export OMP_NUM_THREADS=2 TOKENIZERS_PARALLELISM=false HF_HUB_OFFLINE=1 PEER_DEVICE="$device" PEER_PRECISION="$precision"

ours() {
  "$bin" "$job" --folder "$folder" ${data:+--data "$data"} ${model:+--model "$model"} --device "$device" --precision "$precision" "$@"
}
theirs() {
  case $job in
    k-means) "$peer" "$here/peers/k_means.py" "$folder" ;;
    sft | decoding | grpo) "$peer" "$here/peers/$job.py" "$folder" ;;
    cold-start) "$peer" "$here/peers/cold_start.py" "$model" ;;
    tokenizing) "$peer" "$here/peers/tokenizing.py" "$data" "$model" ;;
    encoding) "$peer" "$here/peers/encoding.py" "$folder" "$model" ;;
    sequential) "$peer" "$here/peers/sequential_plain.py" "$folder"
                "${recbole:-$peer}" "$here/peers/sequential.py" "$folder" ;;
    tiger) "$peer" "$here/peers/tiger.py" "$folder" ;;
    *) echo "run.sh: '$job' has no peer" >&2; exit 2 ;;
  esac
}
# Whole processes are timed here, from outside.
whole_process() {
  begin=$(date +%s.%N)
  "$@"
  end=$(date +%s.%N)
  echo "$begin $end" | awk -v id="F1" -v who="$1" '{printf "{\"id\":\"%s\",\"variant\":\"whole process, %s\",\"seconds\":%.3f}\n", id, who, $2 - $1}'
}

for _ in 1 2; do
  if [ "$job" = cold-start ]; then whole_process ours "$@"; else ours "$@"; fi
  [ -n "$peer" ] || exit 0
  if [ "$job" = cold-start ]; then whole_process theirs; else theirs; fi
done
