"""Arrays of your own: which file is which measurement, their latents, and the graph of these.

description.py       a YAML file, and the arrays that it names, as MultiViewData
example.py           made-up arrays and their YAML file, to try the command with
config.py            the options
run.py               one run: fit the model, score it where the truth is known, write the folder
report.py, figures.py, command.py   the text, the figures, the command
"""
