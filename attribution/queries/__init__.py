"""Reads of attribution: the rules in force, the methods on offer, the newest run, and the inputs of the next."""
