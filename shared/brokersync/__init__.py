"""Brokersync: keeps traders' broker accounts up to date and tells the truth about how it went."""
