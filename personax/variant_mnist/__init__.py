"""Variant-MNIST: the structural causal model, the renderer, the image sources, the disk layout."""
