"""Level I on tables that no memory holds: parquet files are counted part by part; tests work on counts.

In reading order:

parts.py           the files of a table, cut into parts of about a million rows
first_pass.py      what different cells each column has, or its range and a sample
raw_codes.py       a column as numbers of its different cells
fine_grid.py       the cells of a column with more than 4,096 different numbers
cell_tables.py     tables of counts of such columns, which know where in their cells people are
grid_errors.py     how far these cells may change a statistic, and which results are therefore undefined
coded_columns.py   features, scores and targets as codes of the cells
second_pass.py     tables of counts, which add over parts
partial_sums.py    sums over parts, saved in files, so that a run that was killed goes on
local_engine.py    what works on the parts: processes of this machine,
dask_engine.py     or a Dask cluster
streamed_table.py  all of it: files in, tables of counts out; the tests on them are in independence/counted.py
"""
