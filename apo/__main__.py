"""`python -m apo` is `apo`."""

from apo.cli import main

if __name__ == "__main__":
    main()
