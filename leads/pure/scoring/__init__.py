"""Lead scores that explain themselves, on any company day."""
