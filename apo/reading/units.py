"""What stands around a number: currencies, scale words and units, in several languages."""

import re
from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

# A "_" in a word is a blank; a word of several kinds, such as ¥, may mean each of them.
_CURRENCIES = {
    "$": "$ US$ USD US-$ dollar dollars Dollar bucks US_dollar US_dollars U.S._dollars US-Dollar"
    " 달러 불 미국_달러 미_달러 dollars_américains",
    "€": "€ EUR euro euros Euro Euros 유로",
    "£": "£ GBP pound pounds Pfund livres pounds_sterling British_pounds Pfund_Sterling"
    " livres_sterling 파운드",
    "₩": "₩ KRW won 원",
    "₹": "₹ INR Rs. Rs rupee rupees Rupien roupies 루피 रुपये रु.",
    "¥": "¥ JPY yen Yen 엔 円",
    "CN¥": "CN¥ ¥ CNY RMB yuan Yuan 위안 元",
    "CHF": "CHF SFr. Fr. Franken Swiss_francs Schweizer_Franken francs_suisses 프랑",
    "C$": "C$ CA$ CAD Canadian_dollars kanadische_Dollar dollars_canadiens",
    "A$": "A$ AU$ AUD Australian_dollars australische_Dollar dollars_australiens",
    "R$": "R$ BRL reais",
    "₽": "₽ RUB",
    "₫": "₫ VND",
    "฿": "฿ THB",
    "zł": "zł PLN",
    "SEK": "SEK kr kr.",
    "NOK": "NOK kr kr.",
    "DKK": "DKK kr kr.",
}
_CENTS = "¢ ct cent cents Cent Cents centime centimes 센트"
_HUNDREDTHS = {
    "$": _CENTS,
    "€": _CENTS,
    "C$": _CENTS,
    "A$": _CENTS,
    "CHF": "Rappen centime centimes",
    "£": "p pence Pence penny",
    "₹": "paise paisa",
}
_SCALES = {
    10: "십 十",
    12: "dozen dozens Dutzend douzaine douzaines",
    10**2: "hundred hundreds hundert 백 百",
    10**3: "k K thousand thousands tausend Tausend Tsd. Tsd mille mil 천 千 हज़ार"
    " тыс. тыс тысяч тысячи",
    10**4: "만 万 萬",
    10**5: "lakh lakhs lac lacs 십만 लाख",
    10**6: "M million millions Million Millionen Mio. Mio mio mn mln 백만 百万 million(s)"
    " millones milioni milhões miljoen milyon млн млн. миллион миллиона миллионов مليون",
    10**7: "crore crores Cr cr 천만 करोड़",
    10**8: "억 億 亿",
    10**9: "B billion billions bn milliard milliards Milliarde Milliarden Mrd. Mrd Md 십억"
    " miliardi miljard milyar млрд млрд. миллиард миллиарда миллиардов مليار",
    10**12: "trillion trillions tn 조 兆 Billionen трлн",
}
_UNITS = {
    "length": {
        "1/1000": "mm millimeter millimeters millimetre millimetres 밀리미터",
        "1/100": "cm centimeter centimeters centimetre centimetres Zentimeter centimètres 센티미터",
        "1": "m meter meters metre metres Meter mètre mètres 미터",
        "1000": "km kilometer kilometers kilometre kilometres Kilometer kilomètres 킬로미터",
        "0.0254": "inch inches in. in",
        "0.3048": "ft foot feet 피트",
        "0.9144": "yd yard yards 야드",
        "1609.344": "mi mile miles Meilen 마일",
    },
    "mass": {
        "1/1000000": "mcg microgram micrograms Mikrogramm microgramme microgrammes 마이크로그램",
        "1/1000": "mg milligram milligrams Milligramm 밀리그램",
        "1": "g gram grams Gramm gramme grammes 그램",
        "1000": "kg kilo kilos kilogram kilograms Kilogramm kilogramme kilogrammes 킬로그램",
        "1000000": "t ton tons tonne tonnes Tonnen 톤",
        "453.59237": "lb lbs pound pounds",
        "500": "Pfund livres",
        "28.349523125": "oz ounce ounces",
    },
    "volume": {
        "1/1000": "ml mL milliliter milliliters millilitre millilitres Milliliter 밀리리터",
        "1": "l L liter liters litre litres Liter 리터",
        "1000": "m³ m3",
    },
    "area": {
        "1/10000": "cm² cm2",
        "1": "m² m2 sqm ㎡ 제곱미터",
        "10000": "ha hectare hectares Hektar",
        "1000000": "km² km2",
    },
    "time": {
        "1/1000": "ms milliseconds",
        "1": "s sec secs second seconds Sekunde Sekunden seconde secondes 초",
        "60": "min mins minute minutes Minute Minuten 분",
        "3600": "h hr hrs hour hours Stunde Stunden heure heures 시간",
        "86400": "day days Tag Tage Tagen jour jours 일",
        "604800": "week weeks Woche Wochen semaine semaines 주",
    },
    "years": {"1": "month months Monat Monate mois 개월", "12": "year years Jahr Jahre ans 년"},
    "data": {"1": "KB kB", "1000": "MB", "1000000": "GB", "1000000000": "TB"},
    "°C": {"1": "°C ℃ ° Celsius degree degrees degrees_Celsius Grad Grad_Celsius degré degrés 도"},
    "°F": {"1": "°F ℉ ° Fahrenheit degree degrees degrees_Fahrenheit Grad degré degrés 도"},
    "angle": {"1": "° degree degrees Grad degré degrés 도"},
    "kelvin": {"1": "kelvin kelvins Kelvin 켈빈"},
    "length/time": {"1/3.6": "kph", "1.609344/3.6": "mph"},
    "energy": {
        "4.184": "cal",
        "4184": "kcal",
        "1": "joule joules Joule 줄",
        "3600000": "kilowatt_hours kilowatt-hours Kilowattstunden kilowattheures",
    },
    "power": {"1": "watt watts Watt 와트", "1000": "kilowatt kilowatts Kilowatt 킬로와트"},
    "voltage": {"1": "volt volts Volt 볼트"},
    "pressure": {"100000": "bar", "101325": "atm", "6894.757": "psi", "133.322": "mmHg"},
    "amount": {"1": "mole moles"},
    "heart": {"1": "bpm"},
    "turns": {"1": "rpm"},
    "people": {"1": "people persons Personen personnes 명"},
    "activity": {"1": "IU I.U. UI I.E."},
    "sound": {"1": "dB"},
    "share": {"1/1000": "‰ per_mille permille Promille", "1/1000000": "ppm"},
}
# The symbol of a unit, what it measures, its size there, and the prefixes that it is met with.
_PREFIXED = (
    ("g", "mass", "1", "n µ μ u"),
    ("m", "length", "1", "n µ μ"),
    ("s", "time", "1", "n µ μ"),
    ("l", "volume", "1", "µ μ c d"),
    ("L", "volume", "1", "µ μ c d"),
    ("mol", "amount", "1", "n µ μ u m k"),
    ("J", "energy", "1", "m k M G"),
    ("Wh", "energy", "3600", "m k M G T"),
    ("W", "power", "1", "µ m k M G"),
    ("V", "voltage", "1", "µ m k M"),
    ("mA", "current", "1/1000", ""),
    ("Hz", "frequency", "1", "k M G T"),
    ("Pa", "pressure", "1", "h k M G"),
    ("N", "force", "1", "m k M"),
    ("eV", "energy of particles", "1", "k M G T"),
)
_PREFIXES = {"n": "1/1000000000", "µ": "1/1000000", "μ": "1/1000000", "u": "1/1000000",
             "m": "1/1000", "c": "1/100", "d": "1/10", "h": "100", "k": "1000", "M": "1000000",
             "G": "1000000000", "T": "1000000000000"}  # fmt: skip


class Unit(NamedTuple):
    """A unit: what it measures, and how many of its kind's first unit it is."""

    kind: str
    size: Fraction

    @property
    def is_rate(self) -> bool:
        """Whether it is a unit by another one, as km/h is."""
        return "/" in self.kind


def _words(text: str) -> list[str]:
    return [word.replace("_", " ") for word in text.split()]


def _units() -> dict[str, tuple[Unit, ...]]:
    """The units that each word may mean."""
    sizes = [
        *((kind, size, words) for kind, by in _UNITS.items() for size, words in by.items()),
        *((kind, "1", words) for kind, words in _CURRENCIES.items()),
        *((kind, "1/100", words) for kind, words in _HUNDREDTHS.items()),
        *((kind, size, sign) for sign, kind, size, _ in _PREFIXED),
    ]
    found = dict[str, tuple[Unit, ...]]()
    for kind, size, words in sizes:
        top, _, divisor = size.partition("/")
        unit = Unit(kind, Fraction(top) / Fraction(divisor or 1))
        for word in _words(words):
            found[word] = tuple(dict.fromkeys((*found.get(word, ()), unit)))
    for sign, kind, size, prefixes in _PREFIXED:
        for prefix in prefixes.split():
            found[prefix + sign] = (Unit(kind, Fraction(_PREFIXES[prefix]) * Fraction(size)),)
    return found


CURRENCIES = frozenset(word for words in _CURRENCIES.values() for word in _words(words))
_SCALE_OF = {word: size for size, words in _SCALES.items() for word in words.split()}
UNITS = _units()
_IN_ANY_CASE = {word.casefold(): units for word, units in reversed(UNITS.items())}
MYRIADS = tuple(word for word in _SCALE_OF if re.match("[가-힣㐀-鿿]", word))
"""Scale words between whose numbers nothing stands: 3만 5천."""


def scale_of(word: str) -> int:
    """What a scale word multiplies by, in any case of letters; 1 for others."""
    return _SCALE_OF.get(word) or _SCALE_OF.get(word.casefold(), 1)


def units_of(word: str) -> tuple[Unit, ...]:
    """The known units that a word may mean, in any case of letters: kg is Kg, but mW is no MW."""
    return UNITS.get(word) or _IN_ANY_CASE.get(word.casefold(), ())


def rate(word: str | None, per: str | None = None) -> tuple[Unit, ...]:
    """The units that a word may mean, by another one: km by h; mg/kg, $ per day."""
    units = UNITS[word] if word else ()
    if not per:
        return units
    rates = [
        Unit(f"{unit.kind}/{by.kind}", unit.size / by.size) for unit in units for by in UNITS[per]
    ]
    return (*rates, *(unit for unit in units if unit.kind in _CURRENCIES))


def _any(words: Iterable[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


# A Latin word ends where no letter or digit follows; one in Hangul may carry a particle.
_ENDS = r"(?:(?<=[가-힣㐀-鿿.])|(?![^\W가-힣]))"
CURRENCY_BEFORE = rf"(?:(?<![^\W\d가-힣])(?:{_any(CURRENCIES)}))"
# 3 조각 are pieces, no trillions.
_NO_SCALE = (
    r"(?!조(?:각|건|사|합|항|직|별|기|장|명)|천(?:사|장|막|둥|정|재)|만(?:남|기|화|료|족|점|두)"
    r"|억(?:양|지)|백(?:화|업|신|조|미)|십자)"
)
_LONG = [word for word in _SCALE_OF if len(word) > 2]
SCALE = rf"{_NO_SCALE}(?:(?i:{_any(_LONG)})|{_any(_SCALE_OF)}){_ENDS}"
# 2 in is a length where nothing but a measure follows; else "in" is a word.
_INCHES = r"in(?=\s*$|[.,;:)]|\s(?:tall|high|long|wide|deep)\b)"
UNIT = rf"(?!초과)(?:(?:{_any({*UNITS} - {'in'})}){_ENDS}|{_INCHES})"
PERCENT = (
    r"(?:%(?:p\b|포인트)?|％|percentage[ ]points?\b|Prozentpunkte?\b|points[ ]de[ ]pourcentage\b"
    r"|percent\b|per[ ]cent\b|pct\b|Prozent\b|pour[ ]cent\b|퍼센트|프로(?![가-힣])|प्रतिशत)"
)
