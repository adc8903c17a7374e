"""Variant-MNIST: structural causal models, the renderer, the image sources, and the layout on disk."""
