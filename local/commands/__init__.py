"""What each command of `brokersync` does; cli.py only reads arguments and prints errors."""
