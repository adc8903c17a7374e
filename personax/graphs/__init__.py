"""Graphs over latents: discovery, background knowledge, stability, scores and pictures."""
