"""The command `choose_llm`: language models by the paper's eight criteria (Tab. 1)."""
