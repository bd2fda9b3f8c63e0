"""Turn recordings into a data set: python -m preprocess SOURCE… --out DIR"""

from wavegan.cli.preprocess import main

if __name__ == "__main__":
    raise SystemExit(main())
