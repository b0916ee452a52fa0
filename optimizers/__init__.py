"""One module per published algorithm; exporting a class here puts it under test."""

from apo.optimizers.ape import APE
from apo.optimizers.opro import OPRO
from apo.optimizers.random_search import RandomSearch

__all__ = ["APE", "BY_NAME", "OPRO", "RandomSearch"]

BY_NAME = {"ape": APE, "opro": OPRO, "random-search": RandomSearch}
