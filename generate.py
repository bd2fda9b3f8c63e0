"""Make sounds with a trained model: python generate.py --n 50"""

from wavegan.cli.generate import main

if __name__ == "__main__":
    raise SystemExit(main())
