"""The tables: one pynamodb model file each. Models never leave brokersync.aws."""
