"""Reading the system of record where one query set is not enough, by subject."""
