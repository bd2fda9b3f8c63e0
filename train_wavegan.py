"""Train a WaveGAN: python train_wavegan.py"""

from wavegan.cli.train import main

if __name__ == "__main__":
    raise SystemExit(main())
