"""`python -m kerazoo.cli` runs the command line."""

from kerazoo.cli.main import main

if __name__ == "__main__":
    main()
