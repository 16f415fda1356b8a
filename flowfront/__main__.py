"""`python -m flowfront`."""

from flowfront.cli import main

if __name__ == "__main__":
    main()
