"""What stands around a number: currencies, scale words and units, in several languages."""

import re
from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

# A "_" in a word is a blank; a word of several kinds, such as ¥, may mean each of them.
_CURRENCIES = {
    "$": "$ US$ USD US-$ dollar dollars Dollar US_dollar US_dollars U.S._dollars US-Dollar 달러 불"
    " 미국_달러 미_달러 dollars_américains",
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
    10: "십",
    12: "dozen dozens Dutzend douzaine douzaines",
    10**2: "백",
    10**3: "k K thousand thousands tausend Tausend Tsd. Tsd mille 천 हज़ार",
    10**4: "만",
    10**5: "lakh lakhs lac lacs 십만 लाख",
    10**6: "M million millions Million Millionen Mio. Mio mio mn mln 백만 million(s)",
    10**7: "crore crores Cr cr 천만 करोड़",
    10**8: "억",
    10**9: "B billion billions bn milliard milliards Milliarde Milliarden Mrd. Mrd Md 십억",
    10**12: "trillion trillions tn 조 Billionen",
}
_UNITS = {
    "length": {
        "1/1000": "mm millimeter millimeters millimetre millimetres 밀리미터",
        "1/100": "cm centimeter centimeters centimetre centimetres Zentimeter centimètres 센티미터",
        "1": "m meter meters metre metres Meter mètre mètres 미터",
        "1000": "km kilometer kilometers kilometre kilometres Kilometer kilomètres 킬로미터",
        "0.0254": "inch inches in.",
        "0.3048": "ft foot feet 피트",
        "0.9144": "yd yard yards 야드",
        "1609.344": "mi mile miles Meilen 마일",
    },
    "mass": {
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
    "°C": {"1": "°C ℃"},
    "°F": {"1": "°F ℉"},
    "speed": {"1": "km/h kph", "1.609344": "mph", "3.6": "m/s"},
    "energy": {"1": "kcal", "250/1046": "kJ"},
}


class Unit(NamedTuple):
    """A unit: what it measures, and how many of its kind's first unit it is."""

    kind: str
    size: Fraction


def _words(text: str) -> list[str]:
    return [word.replace("_", " ") for word in text.split()]


def _units() -> dict[str, tuple[Unit, ...]]:
    """The units that each word may mean."""
    sizes = [
        *((kind, size, words) for kind, by in _UNITS.items() for size, words in by.items()),
        *((kind, "1", words) for kind, words in _CURRENCIES.items()),
        *((kind, "1/100", words) for kind, words in _HUNDREDTHS.items()),
    ]
    found = dict[str, tuple[Unit, ...]]()
    for kind, size, words in sizes:
        for word in _words(words):
            found[word] = (*found.get(word, ()), Unit(kind, Fraction(size)))
    return found


CURRENCIES = frozenset(word for words in _CURRENCIES.values() for word in _words(words))
SCALES = {word: size for size, words in _SCALES.items() for word in words.split()}
UNITS = _units()
HANGUL_SCALES = tuple(word for word in SCALES if re.match("[가-힣]", word))


def _any(words: Iterable[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


# A Latin word ends where no letter or digit follows; one in Hangul may carry a particle.
_ENDS = r"(?:(?<=[가-힣.])|(?![^\W가-힣]))"
CURRENCY_BEFORE = rf"(?:(?<![^\W\d가-힣])(?:{_any(CURRENCIES)}))"
# 3 조각 are pieces, no trillions.
_NO_SCALE = (
    r"(?!조(?:각|건|사|합|항|직|별|기|장|명)|천(?:사|장|막|둥|정|재)|만(?:남|기|화|료|족|점|두)"
    r"|억(?:양|지)|백(?:화|업|신|조|미)|십자)"
)
SCALE = rf"{_NO_SCALE}(?:{_any(SCALES)}){_ENDS}"
UNIT = rf"(?!초과)(?:{_any(UNITS)}){_ENDS}"
PERCENT = (
    r"(?:%|％|percent\b|per[ ]cent\b|pct\b|Prozent\b|pour[ ]cent\b|퍼센트|프로(?![가-힣])|प्रतिशत)"
)
