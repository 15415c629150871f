"""The command line, `kerazoo`; :func:`kerazoo.cli.main.main` is its entry point."""
