"""What a command took, told at its end."""

from apo.calls.budget import Spent
from apo.cli.console import dollars, tell


def tell_spent(spent: Spent) -> None:
    """Tell calls and dollars; kept answers count in both."""
    n = spent.calls
    tell(f"{n:,} call{'s' * (n != 1)}, {dollars(spent.usd)} (kept answers counted).")
