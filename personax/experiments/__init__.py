"""The commands, one folder each, and what they share.

A folder of a command is built like all others: config.py holds its options, the examples of its help and
`main`; it imports nothing slow, so that help is there at once. run.py does the work, report.py makes the text
that it prints, figures.py the figures, and command.py checks the options and calls the rest. The modules
beside the folders are shared: fitting in a run folder, evaluation against the truth, runs side by side,
tables of several seeds, training curves. subcommands.py is the console script `personax` and the scripts.
"""
