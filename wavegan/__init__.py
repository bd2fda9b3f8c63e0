"""WaveGAN: train a generator of new sounds on a folder of recordings."""

__version__ = "0.2.0"
