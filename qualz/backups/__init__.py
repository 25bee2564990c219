"""Backups: the database and its files, saved while all of it runs, and put back whole or not
at all; and whether the two fit each other."""
