"""The command line."""

from slipway.cli.later import postpone

postpone()
