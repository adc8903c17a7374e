"""Embeddings: from texts and photographs to vectors, how to obfuscate them, and what that protects.

An encoder is a network that turns a text or a picture into a vector, its embedding.

encoder_libraries.py   the libraries of encoders are imported here and nowhere else
text_encoders.py       encoders of texts, through sentence-transformers
picture_encoders.py    encoders of pictures: ImageBind, open_clip, transformers, weights in a package
encoder_checks.py      a wrongly set-up encoder is found before it has encoded anything
extraction.py          column by column, part by part, so that a killed run goes on where it was
vector_columns.py      parquet files of vectors, read and written in batches
obfuscation_key.py     the key: a secret in a file of its own
obfuscation_map.py     the invertible map that a key stands for
obfuscated_files.py    a file of vectors, obfuscated or restored in batches
alignment_maps.py      maps from obfuscated vectors to plain ones, learned from known pairs
reidentification.py    who finds whom: attacks with and without known pairs
"""
