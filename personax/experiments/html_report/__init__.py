"""Finished runs as one web page: folder -> typed sections -> HTML, in a single file that needs no network."""
