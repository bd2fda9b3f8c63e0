#!/usr/bin/env bash
# Measures what counts on a GPU: bash benchmarks/gpu.sh [FILE]. Every benchmark adds a line of JSON to FILE as it ends.
# KERAS_BACKEND chooses the backend, jax where nothing else is said; TensorFlow need not be installed for that.
set -uo pipefail
cd "$(dirname "$0")/.."
export KERAS_BACKEND=${KERAS_BACKEND:-jax}
out=${1:-benchmarks/results.jsonl}
measure() { python -m benchmarks "$@" --preset paper --out "$out" || echo "failed: $*" >&2; }

measure step --precision bfloat16
measure step --precision float32
for at_once in 64 256 1024; do
  measure generate --precision bfloat16 --clips 8192 --at-once "$at_once"
done
measure layers --precision bfloat16
measure scaling --precision bfloat16 --model-dim 32 --repeats 3
