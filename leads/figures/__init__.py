"""Figure definitions of the system of record; importing this package registers them."""
