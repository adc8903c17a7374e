"""Level I on tables that no memory holds: parquet files are counted part by part; tests work on counts.

parts            the files of a table, cut into parts of about a million rows
first_pass       what different cells each column has, or its range and a sample
fine_grid        the cells of a column with more than 4,096 different numbers
cell_tables      tables of counts of such columns, which know where in their cells people are
grid_errors      how far these cells may change a statistic, and which results are therefore undefined
coded_columns    features, scores and targets as codes of the cells
second_pass      tables of counts, which add over parts
engines          where the parts are worked on: this machine, or a Dask cluster (dask_engine)
partial_sums     sums that are kept in files, so that a killed run goes on
streamed_table   all of it: files in, tables of counts out; tests are independence/counted.py
"""
