"""The command `prompt_effect`: which verdicts of Level I change with prompt, repeat and language model."""
