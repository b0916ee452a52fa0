"""Rows from files and tables, and the pools that they are split into."""
