"""One module per published algorithm; exporting a class here puts it under test."""

from apo.optimizers.ace import ACE
from apo.optimizers.ape import APE
from apo.optimizers.apex import APEX
from apo.optimizers.auto import Auto
from apo.optimizers.bootstrap import BootstrapRS
from apo.optimizers.cantante import CANTANTE
from apo.optimizers.capo import CAPO
from apo.optimizers.combee import Combee
from apo.optimizers.contraprompt import ContraPrompt
from apo.optimizers.copro import COPRO
from apo.optimizers.distill import Distill
from apo.optimizers.eccentric import EccentricGrid, EccentricSearch
from apo.optimizers.edit_search import EditSearch
from apo.optimizers.espo import ESPO
from apo.optimizers.evoprompt import EvoPromptDE, EvoPromptGA
from apo.optimizers.fapo import FAPO
from apo.optimizers.gepa import GEPA
from apo.optimizers.joint import JointSearch
from apo.optimizers.miprov2 import MIPROv2
from apo.optimizers.mocapo import MOCAPO
from apo.optimizers.opro import OPRO
from apo.optimizers.p1 import P1
from apo.optimizers.portfolio import Portfolio
from apo.optimizers.prefpo import PrefPO
from apo.optimizers.promptagent import PromptAgent
from apo.optimizers.promptbreeder import Promptbreeder
from apo.optimizers.promptwizard import PromptWizard
from apo.optimizers.protegi import ProTeGi
from apo.optimizers.race_search import RaceSearch
from apo.optimizers.random_search import RandomSearch
from apo.optimizers.robophd import RoboPhD
from apo.optimizers.simba import SIMBA
from apo.optimizers.skillopt import SkillOpt
from apo.optimizers.spo import SPO
from apo.optimizers.textgrad import TextGrad
from apo.optimizers.vista import VISTA

__all__ = [
    "ACE",
    "APE",
    "APEX",
    "BY_NAME",
    "CANTANTE",
    "CAPO",
    "COPRO",
    "ESPO",
    "FAPO",
    "GEPA",
    "MOCAPO",
    "OPRO",
    "P1",
    "SIMBA",
    "SPO",
    "VISTA",
    "Auto",
    "BootstrapRS",
    "Combee",
    "ContraPrompt",
    "Distill",
    "EccentricGrid",
    "EccentricSearch",
    "EditSearch",
    "EvoPromptDE",
    "EvoPromptGA",
    "JointSearch",
    "MIPROv2",
    "Portfolio",
    "PrefPO",
    "ProTeGi",
    "PromptAgent",
    "PromptWizard",
    "Promptbreeder",
    "RaceSearch",
    "RandomSearch",
    "RoboPhD",
    "SkillOpt",
    "TextGrad",
]

BY_NAME = {
    "auto": Auto,
    "portfolio": Portfolio,
    "race-search": RaceSearch,
    "ace": ACE,
    "ape": APE,
    "apex": APEX,
    "bootstrap-rs": BootstrapRS,
    "cantante": CANTANTE,
    "capo": CAPO,
    "combee": Combee,
    "contraprompt": ContraPrompt,
    "copro": COPRO,
    "distill": Distill,
    "eccentric-grid": EccentricGrid,
    "eccentric-search": EccentricSearch,
    "edit-search": EditSearch,
    "espo": ESPO,
    "evoprompt-de": EvoPromptDE,
    "evoprompt-ga": EvoPromptGA,
    "fapo": FAPO,
    "gepa": GEPA,
    "joint": JointSearch,
    "miprov2": MIPROv2,
    "mo-capo": MOCAPO,
    "opro": OPRO,
    "p1": P1,
    "prefpo": PrefPO,
    "promptagent": PromptAgent,
    "promptbreeder": Promptbreeder,
    "promptwizard": PromptWizard,
    "protegi": ProTeGi,
    "random-search": RandomSearch,
    "robophd": RoboPhD,
    "simba": SIMBA,
    "skillopt": SkillOpt,
    "spo": SPO,
    "textgrad": TextGrad,
    "vista": VISTA,
}
