"""Text from files and names, made safe to print."""


def shown(path: str) -> str:
    """A path as text that is safe to print and to store: what is no printable character is written as an escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in path)
