#!/usr/bin/env bash
# Tests and benchmarks on a GPU: first whether it computes what the CPU computes, then its speed.
#
#   benchmarks/run_gpu.sh [--quick | --full] [--seconds N] [--corpus FILE] [--only NAME[,NAME...]] [--device cpu]
#
#   --quick        small sizes, for a check of this script on a CPU
#   --full         wider grids; word2vec also with three seeds, both losses and its quality
#   --seconds N    for everything together (default 360); what does not fit is left out, with a message
#   --corpus FILE  text to train word2vec on; without one, word2vec only runs with --quick
#   --only NAMES   of correctness_jax, correctness_torch, layers_jax, layers_torch, word2vec_jax, word2vec_torch;
#                  `jax`, `torch`, `correctness`, `layers` and `word2vec` select all with that word
#   --parts NAMES  parts of benchmarks/questions/recurrent_devices, by commas: layers,linear,table,generate
#   --device NAMES gpu (the default if there is one), cpu, or cpu,gpu for speeds on both
#
# Python is $PYTHON (python3) and needs pytest. Results go to $OUT/gpu.json, all output to $OUT/gpu.log; without OUT, to
# benchmarks/results/, one file per benchmark. One benchmark runs at a time, as they share the GPU.
# Exit status: 0 if the GPU agrees with the CPU and every benchmark succeeded.
set -u
cd "$(dirname "$0")/.." || exit 1

python=${PYTHON:-python3}
scale="" seconds=360 corpus="" only="" device="" parts=""
while [ $# -gt 0 ]; do
  case $1 in
    --quick | --full) scale=$1 ;;
    --seconds | --corpus | --only | --device | --parts)
      [ $# -ge 2 ] || { echo "$1 needs a value" >&2; exit 2; }
      case $1 in
        --seconds) seconds=$2 ;;
        --corpus) corpus=$2 ;;
        --only) only=$2 ;;
        --device) device=$2 ;;
        --parts) parts=$2 ;;
      esac
      shift ;;
    -h | --help) sed -n '2,/^set -u/{/^set -u/!s/^# \{0,1\}//p}' "$0"; exit 0 ;;
    *) echo "unknown argument: $1" >&2; exit 2 ;;
  esac
  shift
done
[ -z "$corpus" ] || [ -r "$corpus" ] || { echo "cannot read the corpus: $corpus" >&2; exit 2; }
if [ -z "$device" ]; then
  if nvidia-smi -L > /dev/null 2>&1; then device=gpu; else device=cpu; fi
fi

# By default JAX allocates the memory of the whole GPU, and TensorFlow logs a lot.
export XLA_PYTHON_CLIENT_PREALLOCATE=false TF_CPP_MIN_LOG_LEVEL=3 PYTHONUNBUFFERED=1

final=${OUT:-}
if [ -n "$final" ]; then
  mkdir -p "$final"
  OUT=$(mktemp -d)
  trap 'rm -rf "$OUT"' EXIT
  log=$final/gpu.log
else
  OUT=benchmarks/results
  log=$(mktemp)
fi
export OUT
: > "$log"

begin=$SECONDS
failed=0
marker=$(mktemp)

wanted() {
  [ -z "$only" ] && return 0
  local name
  for name in ${only//,/ }; do
    case _$1_ in *_"$name"_*) return 0 ;; esac
  done
  return 1
}

left() { echo $((seconds - (SECONDS - begin))); }

# run NAME LIMIT COMMAND...: with a limit of LIMIT seconds, or what is left of all; shows the end of the log on failure.
run() {
  local name=$1 limit=$2 start=$SECONDS status
  shift 2
  local rest
  rest=$(left)
  if [ "$rest" -lt 15 ]; then
    echo "$name: left out, no time"
    failed=1
    return
  fi
  [ "$limit" -le "$rest" ] || limit=$rest
  { echo; echo "=== $name: $*"; } >> "$log"
  timeout --kill-after=10 "$limit" "$@" >> "$log" 2>&1
  status=$?
  case $status in
    0) echo "$name: done in $((SECONDS - start)) s" ;;
    124 | 137) echo "$name: ended after $limit s" ;;
    *) echo "$name: failed with status $status after $((SECONDS - start)) s"; tail -n 12 "$log" | cut -c 1-200 ;;
  esac
  [ $status -eq 0 ] || failed=1
  # After every benchmark, so that nothing is lost if a later one crashes the machine.
  [ -z "$final" ] || "$python" -m benchmarks.report.gpu_table "$OUT" --merge "$final/gpu.json"
}

# share N M: the seconds for a benchmark of weight N; M is the weight of all benchmarks that are still to run.
share() { echo $(($(left) * $1 / $2)); }

check_device=$device
case $device in *gpu*) check_device=gpu ;; esac
word2vec_arguments=()
cells=
[ -z "$corpus" ] || word2vec_arguments+=(--corpus "$corpus")
[ "$scale" != --quick ] || { cells=quick; word2vec_arguments+=(--quick); }

weight_of() {
  case $1 in
    correctness*) echo 2 ;;
    layers_jax) echo 6 ;;
    layers*) echo 4 ;;
    *) if [ "$scale" = --full ]; then echo 8; else echo 2; fi ;;
  esac
}
todo=()
total=0
for name in correctness_jax correctness_torch layers_jax layers_torch word2vec_jax word2vec_torch; do
  wanted "$name" || continue
  case $name in
    word2vec*)
      [ -n "$corpus" ] || [ "$scale" = --quick ] || { echo "$name: left out, needs --corpus"; continue; } ;;
  esac
  if ! "$python" -c "import importlib.util, sys; sys.exit(importlib.util.find_spec('${name#*_}') is None)"; then
    echo "$name: left out, ${name#*_} is not installed"
    continue
  fi
  todo+=("$name")
  total=$((total + $(weight_of "$name")))
done

for name in ${todo[@]+"${todo[@]}"}; do
  weight=$(weight_of "$name")
  time_for=$(share "$weight" "$total")
  total=$((total - weight))
  export KERAS_BACKEND=${name#*_}
  case $name in
    correctness*)
      # The other results are worthless without this test: its limit is twice its share.
      run "$name" $((2 * time_for + 30)) env KERAZOO_GPU_TESTS="$check_device" KERAZOO_GPU_CELLS="$cells" \
        "$python" -m pytest -q -s -p no:cacheprovider tests/gpu/test_agreement.py ;;
    layers*)
      devices=$(echo "$device" | tr ',' '\n' | wc -l)
      # shellcheck disable=SC2086  # the parts and the scale are words
      run "$name" $((time_for + 40)) "$python" -m benchmarks.questions.recurrent_devices ${parts//,/ } $scale \
        --device "$device" --seconds $((time_for * 9 / 10 / devices)) ;;
    word2vec*)
      stem=word2vec_device_$KERAS_BACKEND
      run "$name" $((time_for + 40)) "$python" -m benchmarks.questions.word2vec_device \
        ${word2vec_arguments[@]+"${word2vec_arguments[@]}"} --epochs 2 --no-quality --name "${stem}_rates"
      [ "$scale" != --full ] || run "$name, quality" $((time_for + 40)) "$python" -m benchmarks.questions.word2vec_device \
        ${word2vec_arguments[@]+"${word2vec_arguments[@]}"} --losses nce,negative_sampling --seeds 1,2,3 \
        --variants 8192:kernels,16384:kernels,4096:kernels --no-fit --no-breakdown --name "${stem}_quality" ;;
  esac
done

echo "$((SECONDS - begin)) s in all; printed in $log"
if [ -n "$final" ]; then
  [ ! -e "$final/gpu.json" ] || "$python" -m benchmarks.report.gpu_table "$final/gpu.json" | cut -c 1-600
else
  # Only files of this run.
  find "$OUT" -maxdepth 1 -newer "$marker" \( -name 'gpu_*.json' -o -name '*_device*_*.json' \) \
    -print | sort | while read -r file; do "$python" -m benchmarks.report.gpu_table "$file" | cut -c 1-600; done
fi
rm -f "$marker"
exit $failed
