"""The command obfuscate: vectors through an invertible map that only the owner of a key can undo."""
