"""From recordings to a data set: audio files in, TFRecords and `dataset.json` out.

`python -m preprocess --help` is the way in; `preprocess.convert.prepare` is the same as a function.
"""
