"""The network: vocabulary, shape, Transformer, weights."""
