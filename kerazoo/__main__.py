"""`python -m kerazoo` runs the command line."""

from kerazoo.cli.main import main

if __name__ == "__main__":
    main()
