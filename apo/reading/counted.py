"""What a number counts, where a text is nothing but the number and that: 5 red apples."""

import re

from apo.patterns import late_pattern
from apo.reading.units import Unit, units_of

_WORD = late_pattern(r"[^\W\d_]+(?:[-/·][^\W\d_]+)*")
# Words that go on with a sentence, or say nothing of what is counted.
_SENTENCE = """
a all alone altogether an and another answer answers approx approximately around as at back
because but by correct correctly days each either else even exactly extra final for from
fully has have here if in indeed into is isn it items its just left less lot maximum
minimum more most much no not now number numbers of on only or other others out over overall
per piece pieces plus points pts precisely really remain remaining right roughly since so
some still sum than that the then there therefore thing things this thus time times to today
together too total totals true under unit units until was were when which while with without
x yes you
aber alle als am an auf aus bei da dass dies dieser durch ein es etwa für ganz genau gesamt
im in insgesamt ist je jeweils mehr mit nach noch nur oder pro richtig rund sind stk stück
stueck über um und unter von war weil weniger wenn zu zur zusammen
au aux avec car ce de des du elle en environ est et exactement fois il la le les mais moins
ou par parce pas plus pour que qui reste restants seulement soit sont sur total un une
"""
_SAYS_NOTHING = frozenset(_SENTENCE.split())
_ENDINGS = late_pattern(r"(?<=\w{3})(?:en|n|es|s|e)$")


def counted_in(after: str) -> tuple[tuple[Unit, ...], frozenset[str]]:
    """Give the units, or else the words, that the text after a number says it is a number of.

    Words of a sentence ("in total", "because…") say nothing. Words are cut to their stem, so that
    apple is apples. Those in Hangul, whose counters and particles are many, are not compared.
    """
    words = [word for word in _WORD.findall(after) if not re.search("[가-힣]", word)]
    if not words or words[0].casefold() in _SAYS_NOTHING:
        return (), frozenset()
    units = units_of(words[0])
    if units:
        return units, frozenset()
    said = [word.casefold() for word in words]
    return (), frozenset(_ENDINGS.sub("", word) for word in said if word not in _SAYS_NOTHING)
