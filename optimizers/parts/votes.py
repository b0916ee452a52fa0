"""What a judge of two sets of answers chose."""

import re


def chosen(choice: str) -> str:
    """The letter that a reply names, A or B; "" when it names neither, or both."""
    named = re.sub(r"^\W*(?:set|answers?|option|세트|답)?\W*", "", choice, flags=re.IGNORECASE)
    letter = named.strip(".\"'`*() \n").upper()
    return letter if letter in ("A", "B") else ""
