"""The real-world experiment: latents of athletes or celebrities, and their graph (paper §6)."""
