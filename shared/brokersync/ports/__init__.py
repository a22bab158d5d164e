"""What the services need from the world, as Protocols: adapters and fakes keep them without inheriting."""
