"""Level I, from a table of people to the x/y heatmap: config, command, run, report, figures."""
