"""IBKR Flex Web Service v3: Activity statements; saved Trade Confirmation statements can be read too."""
