"""Train a flow matching model: python train_diffusion.py"""

from wavegan.cli.train import main_diffusion as main

if __name__ == "__main__":
    raise SystemExit(main())
