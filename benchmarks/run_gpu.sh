#!/usr/bin/env bash
# All that a GPU is asked: first whether it computes what the CPU computes, then how fast it is.
#
#   benchmarks/run_gpu.sh [--quick | --full] [--seconds N] [--corpus FILE] [--only NAME[,NAME...]] [--device cpu]
#
#   --quick        small sizes, for a try on a CPU
#   --full         wider grids; word2vec also with three seeds, both losses and its quality
#   --seconds N    for all benchmarks together (default 360); what does not fit is left out, and said so
#   --corpus FILE  text to train word2vec on; without one word2vec is run with --quick only
#   --only NAMES   of correctness_jax, correctness_torch, layers_jax, layers_torch, word2vec_jax, word2vec_torch;
#                  `jax`, `torch`, `correctness`, `layers` and `word2vec` stand for all with that word
#   --parts NAMES  parts of benchmarks/questions/recurrent_devices, by commas: layers,linear,table,generate
#   --device NAMES gpu (the default where there is one), cpu, or cpu,gpu for speeds on both
#
# Python is $PYTHON (python3). Results go to $OUT as gpu.json, with everything that was printed in gpu.log, or where OUT
# is not set to benchmarks/results/, one file a benchmark. One benchmark runs at a time, as they share the card.
# Exit status: 0 if the GPU agrees with the CPU and every benchmark ended well.
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

# Both frameworks would otherwise take the memory of the whole card, or the logs of the whole terminal.
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

# run NAME LIMIT COMMAND...: within LIMIT seconds and what is left of all; the end of the log is shown where it fails.
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
  # At once, so that nothing is lost where a later benchmark takes the machine down.
  [ -z "$final" ] || "$python" -m benchmarks.report.gpu_table "$OUT" --merge "$final/gpu.json"
}

# share N of M: the seconds for a benchmark that has N parts of what is left, of M parts that are still to come.
share() { echo $(($(left) * $1 / $2)); }

check_device=$device
case $device in *gpu*) check_device=gpu ;; esac
word2vec_arguments=()
quick=()
[ -z "$corpus" ] || word2vec_arguments+=(--corpus "$corpus")
[ "$scale" != --quick ] || { quick=(--quick); word2vec_arguments+=(--quick); }

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
      # Nothing may cut the check short, which the rest depends on: its limit is twice its share.
      run "$name" $((2 * time_for + 30)) "$python" -m tests.gpu.comparison --device "$check_device" \
        ${quick[@]+"${quick[@]}"} ;;
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
  # Only what this run has written, not what lay there before.
  find "$OUT" -maxdepth 1 -newer "$marker" \( -name 'gpu_*.json' -o -name '*_device*_*.json' \) \
    -print | sort | while read -r file; do "$python" -m benchmarks.report.gpu_table "$file" | cut -c 1-600; done
fi
rm -f "$marker"
exit $failed
