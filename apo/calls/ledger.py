"""What the sessions of a run have spent, read from its journal before another begins."""

from collections.abc import Sequence

from apo.calls.call import Endpoint
from apo.models.prices import cost
from apo.storage.journal import Journal


def spent_before(journal: Journal, endpoints: Sequence[Endpoint]) -> dict[str, tuple[float, str]]:
    """Sum up what was spent.

    Args:
        journal: the run's.
        endpoints: the models of the run, with their prices.

    Returns:
        By the name of a limit, the amount, and the amount in words.
    """
    prices = {endpoint.model.name: endpoint.price for endpoint in endpoints}
    calls, tokens, usd = 0, 0, 0.0
    for model, n, usage in journal.taken():
        calls, tokens = calls + n, tokens + (usage.input_tokens or 0) + (usage.output_tokens or 0)
        price = prices.get(model)
        usd += 0.0 if price is None else cost(price, usage)
    minutes = journal.earlier_seconds() / 60
    return {
        "max_calls": (calls, f"{calls:,} calls"),
        "max_tokens": (tokens, f"{tokens:,} tokens"),
        "max_usd": (usd, f"${usd:,.4f}"),
        "max_minutes": (minutes, f"{minutes:.1f} minutes"),
    }
