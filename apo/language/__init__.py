"""The language in which the command line speaks: English, or what a catalogue holds.

Below the command line all is English: what is raised, kept, logged and given to programs is the
same in every language, and a journal that was written under one reads under another. Where text is
shown, `translated` finds the message of the catalogue that it is an instance of. Catalogues are
those of gettext; `python -m experiments.messages` gathers the messages from the code.

Doors: catalogue.
Rests on: nothing.
"""
