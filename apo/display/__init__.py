"""How what is known is shown to people: figures in words, pages of HTML, pictures.

Doors: figures, page, picture, plots, spark.
Rests on: language, patterns, secrecy.
"""
