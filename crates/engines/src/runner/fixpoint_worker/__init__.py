"""Runs tests again and again in forks of a warm Python."""
