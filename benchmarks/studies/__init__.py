"""Measurements that need no training; a suite may have one, and it runs before the suite's trainings."""
