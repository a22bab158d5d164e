"""The kits of the brokers: see local/simulators/kit.py."""
