"""The commands, one folder each, and what they share.

All folders of commands have the same files: config.py holds the options, run.py does the work, report.py
makes the text that is printed, figures.py the figures, and command.py checks the options and calls the other
files. The modules beside the folders are shared: fitting in a run folder, evaluation against the truth, runs
side by side, tables of several seeds, training curves. subcommands.py is the console script `personax`.
"""
