"""The laptop's AWS: MiniStack in a process of its own, the committed template deployed into it, an issuer of tokens."""
