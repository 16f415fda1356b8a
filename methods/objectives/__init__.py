"""Objectives: how rollouts and advantages become losses."""
