"""WaveGAN: train a generator of new sounds on a folder of recordings."""
