"""The synthetic experiment: latents of Variant-MNIST and their graph, scored against the truth (paper §5)."""
