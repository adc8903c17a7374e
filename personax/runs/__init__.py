"""What every command shares.

In reading order:

errors.py        the exceptions, above all the error that a user can correct
interruption.py  an end from outside, such as `kill`, is treated as Ctrl-C
options.py       marks options that say where or how a command runs and do not change its result
bounds.py        which values an option may have, as a part of its type
command_line.py  flags and YAML files become a dataclass; errors become one line and an exit code
documents.py     YAML and JSON become values, within limits
help_text.py     the help of a command, and what is said of wrong options
files.py         files that are either whole or absent, and their checksums
folder_lock.py   one process at a time in a folder, and no traces of those that were killed
run_folder.py    the folder of one run: configuration, manifest, log, and the names of all files
environment.py   what the manifest says of versions and machine
memory.py        a need of memory that this machine cannot meet is refused
run_records.py   what a run has written is read back, and checked
seeds.py         random numbers from a seed and a name
device.py        CPU or GPU
processor.py     how many threads
workers.py       options: where the runs, trials or resamples of a command are made, and how many at a time
engines.py       they are made: in this process, in several, on a Dask cluster, by SLURM
process_group.py one command in the processes that torchrun has started
mapped_files.py  arrays that stay in their files
progress.py      bars, or lines where there is no terminal
growing_table.py a table of results that grows run by run
said_once.py     messages that many runs have in common are shown once
described.py     objects that say in one line, or in a notebook's table, what they hold
markdown.py      tables in Markdown
figure_style.py  what all figures have in common
text_sizes.py    how large a text is in a figure; texts that are wrapped or cut to fit
"""
