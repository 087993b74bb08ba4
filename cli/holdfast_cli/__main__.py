"""`python -m holdfast_cli` is the `holdfast` command."""

from holdfast_cli.main import main

if __name__ == "__main__":
    main()
