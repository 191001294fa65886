"""`python -m pipelines` is `ieval`."""

from pipelines.cli import main

if __name__ == "__main__":
    main()
