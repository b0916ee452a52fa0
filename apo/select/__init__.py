"""Selection rules: pure functions from scores and counts to what is measured or kept next.

None of them asks a model or keeps a state; what is random takes the random stream to draw from.
`apo.search.allocators` puts those that spend rollouts to work.

Doors: draw.
Rests on: nothing.
"""

from apo.select.bandits import highest_upper_bound, ucb_e
from apo.select.draw import roulette, tournament
from apo.select.elo import elo_updates
from apo.select.halving import better_half, halving_sizes
from apo.select.pareto import nondominated_sort, pareto_fronts, pareto_weights, undominated
from apo.select.race import better_p_value, race_losers
from apo.select.rejects import continuous_reject, rejects_schedule, worst_arm

__all__ = [
    "better_half",
    "better_p_value",
    "continuous_reject",
    "elo_updates",
    "halving_sizes",
    "highest_upper_bound",
    "nondominated_sort",
    "pareto_fronts",
    "pareto_weights",
    "race_losers",
    "rejects_schedule",
    "roulette",
    "tournament",
    "ucb_e",
    "undominated",
    "worst_arm",
]
