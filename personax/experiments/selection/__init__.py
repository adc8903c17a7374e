"""Choose hyper-parameters and the number of latents without the truth."""
