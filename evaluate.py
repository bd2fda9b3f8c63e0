"""Tell how good the sounds of a trained model are: python evaluate.py"""

from wavegan.cli.evaluate import main

if __name__ == "__main__":
    raise SystemExit(main())
