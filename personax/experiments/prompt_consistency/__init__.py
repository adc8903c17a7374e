"""The command `consistency`: how much answers vary with repeats and prompts (the paper's Fig. 2)."""
