"""Values read from what people and models write: numbers, dates, JSON, labels, lists, grades.

Also the instruction in a writer's reply. Pure functions of text, which know no task and no score.

Doors: answers, characters, checklist, denial, digits, grades, json_text, letters, lists, moments,
named, number, number_words, numbers, option_lines, option_marks, option_reasons, option_words,
replies, run_on, said_grade, said_moment, said_number, salvage, screen, signed_labels, stars,
words.
Rests on: errors, language, patterns.
"""
