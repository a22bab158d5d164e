"""The laptop: the same template and handlers on an emulated AWS, brokers to talk to, and a command line."""
