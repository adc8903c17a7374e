"""The numerical data of other papers: all methods on the same draws, with the published numbers beside."""
