"""The commands, one folder each, and what they share.

Each folder of a command has four files: config.py holds its options, the examples of its help and `main`; it
imports nothing slow, so that help is there at once. command.py checks the options and calls the rest, run.py
does the work, and report.py makes the text that is printed. Most folders also have figures.py; further files
have parts of the work. docs/reading_order.md has a table of scripts, subcommands and folders. The modules
beside the folders are shared: fitting in a run folder (fitting.py), any method fitted (recovery.py) and
scored (scored_runs.py), evaluation against the truth, runs side by side, tables of several seeds, training
curves. subcommands.py is the console script `personax` and the scripts.
"""
