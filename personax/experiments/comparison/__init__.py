"""All methods on the same scenes, and our model without each of its parts (paper, Fig. 5 c)."""
