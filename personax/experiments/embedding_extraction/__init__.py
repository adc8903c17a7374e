"""The command extract_embeddings: the texts and photographs of a table of people become vectors."""
