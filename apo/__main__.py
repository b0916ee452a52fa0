"""The program `apo`, which `python -m apo` is as well."""

import gc

# What is imported stays: to look it all over for garbage time and again is up to a tenth of a short
# command. So this comes before the imports.
gc.set_threshold(10_000, 20, 50)

from apo.cli import main  # noqa: E402

if __name__ == "__main__":
    main()
