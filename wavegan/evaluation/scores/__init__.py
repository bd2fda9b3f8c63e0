"""The scores by which generated sounds are judged: pure functions of NumPy arrays.

A classifier's probabilities [n, classes] and its embeddings [n, d] go in. All but the search of `nearest` is computed
in float64. Every function raises ValueError where an array has the wrong shape, too few rows or values that are not
finite. Only `kmeans_cells` draws random numbers.
"""

from wavegan.evaluation.scores.cells import cell_counts, different_bins, jensen_shannon_divergence, kmeans_cells
from wavegan.evaluation.scores.classes import am_score, class_histogram, inception_score, modified_inception_score
from wavegan.evaluation.scores.distances import frechet_distance, kernel_distance
from wavegan.evaluation.scores.neighbours import nearest, precision_recall, radii

__all__ = [
    "inception_score", "modified_inception_score", "am_score", "class_histogram",
    "frechet_distance", "kernel_distance",
    "kmeans_cells", "cell_counts", "different_bins", "jensen_shannon_divergence",
    "radii", "precision_recall", "nearest",
]  # fmt: skip
