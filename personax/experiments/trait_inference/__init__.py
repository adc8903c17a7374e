"""Ask language models for the traits of people (paper, section 2)."""
