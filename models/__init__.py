"""What learns: corpora, vocabulary, Transformer, training, evaluation, shipped weights.

Imports from `jam` only the pure modules that encode music, so training and live play share
one representation.
"""
