"""Logs, metrics, traces and error reports. Imports nothing of app."""
