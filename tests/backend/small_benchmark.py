"""`python -m benchmarks` with a small peak, as a script: python small_benchmark.py BENCHMARK FLAG…"""

from benchmarks import measure
from benchmarks.__main__ import main

measure.PEAK_SIZES = {"cpu": (64,)}
measure.PEAK_FLOP = {"cpu": 1e6}

if __name__ == "__main__":
    raise SystemExit(main())
