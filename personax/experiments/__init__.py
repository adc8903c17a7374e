"""What the training commands share: fitting in a run folder, evaluation against the truth, figures."""
