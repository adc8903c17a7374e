"""Variant-MNIST: structural causal models, the renderer, the image sources, and the layout on disk.

A scene is one digit and one garment. Latents (position, opacity, ...) are the hidden causes of its pictures.
"""
