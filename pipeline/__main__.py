"""`python -m pipeline` is the command `redress`."""

from pipeline.cli import app

app()
