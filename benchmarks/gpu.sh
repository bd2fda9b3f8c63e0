#!/usr/bin/env bash
# Measures what counts on a GPU: bash benchmarks/gpu.sh [FILE]. Every benchmark adds a line of JSON to FILE as it ends.
# With KERAS_BACKEND=jax before it, JAX computes; TensorFlow need not be installed for that.
set -uo pipefail
out=$(realpath -m "${1:-"$(dirname "$0")/results.jsonl"}")
cd "$(dirname "$0")/.."
python -c 'import sys; from wavegan.backend import devices; sys.exit(not devices.accelerators())' ||
  { echo "error: no GPU is visible to the backend. See docs/training.md, Precision and backend." >&2; exit 2; }
failed=0
measure() { python -m benchmarks "$@" --out "$out" || { echo "failed: $*" >&2; failed=1; }; }

measure step --preset paper --precision bfloat16
measure step --preset paper --precision float32
measure flow --preset large --precision bfloat16
measure flow --preset large --precision float32
for batch_size in 64 256 1024; do
  measure generate --preset paper --precision bfloat16 --clips 8192 --batch-size "$batch_size"
done
measure layers --preset paper --precision bfloat16
measure scaling --preset paper --precision bfloat16 --model-dim 32 --repeats 3
exit $failed
