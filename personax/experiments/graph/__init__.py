"""The command `draw`: discover the causal graph over latents and draw it."""
