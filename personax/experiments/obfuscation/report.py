"""What the command prints."""

from personax.experiments.obfuscation.run import Obfuscated

WARNING = (
    "This hides the vectors only from people who have neither the key nor vectors of the same people "
    "(docs/embeddings.md)."
)


def obfuscation_report(made: Obfuscated) -> str:
    """What was done, and what to do with the key."""
    key = made.key
    form = f"general, condition number {key.condition:g}" if key.method == "general" else key.method
    columns = ", ".join(f"{name} ({width})" for name, width in key.widths.items())
    done = "restored" if made.restored else "obfuscated"
    lines = [f"{made.rows} rows {done}: {columns}; {form}, noise {key.noise:g}"]
    if made.is_new:
        lines.append(f"new key {key.label}: {made.key_path}; keep it, and keep it secret")
    if not made.restored:
        lines.append(WARNING)
    elif key.noise > 0:
        lines.append("The noise stays: what is restored is not exactly what was obfuscated.")
    return "\n".join([*lines, str(made.output)])
