"""The routes by what they are about; each module makes a router of its services."""
