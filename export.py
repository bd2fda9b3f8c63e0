"""Take a trained model elsewhere: python export.py --format kit"""

from wavegan.cli.export import main

if __name__ == "__main__":
    raise SystemExit(main())
