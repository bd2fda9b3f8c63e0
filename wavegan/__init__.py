"""WaveGAN: train a generator of new sounds on a folder of recordings."""

import os

# TensorFlow's start-up messages bury what a person needs to read. Set this to 0 to see them.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
