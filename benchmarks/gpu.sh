#!/usr/bin/env bash
# Measures what counts on a GPU, in ten minutes: bash benchmarks/gpu.sh [FILE [DATA SET]]
#
# Every benchmark adds a line of JSON to FILE as it ends, the most important ones first, so that little is lost where it
# is cut off. Then a model of each family, of its preset `large`, is trained on the data set (the first of data/, or else
# a drum kit is made) for the minutes that are left, both for a shorter and then both for a longer time, and its sounds
# are scored: lines, table and sheets are in a folder beside FILE. With KERAS_BACKEND=jax before it, JAX computes, and
# TensorFlow need not be installed.
#
# MINUTES=20 before it takes longer. TRY=1 tries it out on a CPU, with tiny models, in bfloat16 alone.
set -uo pipefail
out=$(realpath -m "${1:-"$(dirname "$0")/results.jsonl"}")
data=$(realpath -m "${2:-.}")
cd "$(dirname "$0")/.."
seconds=$((60 * ${MINUTES:-10}))
wavegan=() flow=() clips=8192 trained=""
recipes=("--preset large" "train_diffusion.py --preset large")
if [ -n "${TRY:-}" ]; then
  wavegan=(--model-dim 2 --batch-size 4 --length 256 --repeats 1) clips=8
  flow=(--width 4 --blocks 1 --batch-size 2 --length 256 --repeats 1)
  recipes=("${recipes[0]} --model-dim 2 --batch-size 4" "${recipes[1]} --width 4 --blocks 1 --batch-size 2") trained=0.01
elif ! python -c 'import sys; from wavegan.backend import devices; sys.exit(not devices.accelerators())'; then
  echo "error: no GPU is visible to the backend. See docs/training.md, Precision and backend." >&2
  exit 2
fi
failed=0
left() { echo $((seconds > SECONDS ? seconds - SECONDS : 1)); }
measure() {
  if [ "$SECONDS" -ge $((seconds * 3 / 5)) ]; then # the rest is for the trainings
    echo "left out, because the time is over: $*" >&2
  else
    timeout "$(left)" python -m benchmarks "$@" --out "$out" || { echo "failed: $*" >&2; failed=1; }
  fi
}

measure step --preset paper --precision bfloat16 "${wavegan[@]}"
measure step --preset large --precision bfloat16 "${wavegan[@]}"
measure flow --preset large --precision bfloat16 "${flow[@]}"
measure generate --preset paper --precision bfloat16 --clips $clips --batch-size 256 "${wavegan[@]}"
devices=$(python -c 'from wavegan.backend import devices; print(len(devices.accelerators()))')
[ "$devices" -lt 2 ] || measure devices --preset paper --precision bfloat16 "${wavegan[@]}"
if [ -z "${TRY:-}" ]; then
  measure step --preset paper --precision float32 "${wavegan[@]}"
  measure step --preset large --precision float32 "${wavegan[@]}"
  measure flow --preset large --precision float32 "${flow[@]}"
fi
measure layers --preset paper --precision bfloat16 "${wavegan[@]}"

if [ ! -e "$data/dataset.json" ]; then
  found=(data/*/dataset.json)
  data=$(dirname "${found[0]}")
  [ -e "${found[0]}" ] || { data=${out%.*}-drums && python -m preprocess drums --out "$data" >&2 || exit 1; }
fi
# A tenth of the rest for each, and two, in minutes: what is between them takes time, too.
read -ra trained <<<"${trained:-"$(left | awk '{ print $1 / 600, $1 / 300 }')"}"
timeout "$(left)" python -m benchmarks quality --data "$data" --out "${out%.*}-sounds" --recipe "${recipes[@]}" \
  --minutes "${trained[@]}" --seeds 0 --keep-all || failed=1
exit $failed
