"""DSPy's own optimizers, run by DSPy (https://dspy.ai/learn/optimization/optimizers/) within apo.

Instruction, demos and (COPRO) the answer's first words are theirs to change; every answer is asked
for through the search: within the budget, kept, and measured as for every optimizer.
"""

from apo.bridges.dspy_demos import BootstrapFewShotWithRandomSearch, MIPROv2
from apo.bridges.dspy_writing import COPRO, GEPA, SIMBA

BY_NAME = {
    f"dspy:{kind.called}": kind
    for kind in (MIPROv2, GEPA, SIMBA, COPRO, BootstrapFewShotWithRandomSearch)
}
