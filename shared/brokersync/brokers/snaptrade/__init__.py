"""SnapTrade, the aggregator of brokerage accounts: its REST API with signed requests."""
