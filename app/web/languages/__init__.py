"""The languages of the pages that a person reads. Logs, commands and the API stay English."""
