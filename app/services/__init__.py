"""Services: builds each part from the settings, once for a process, and runs the background work.

May import every subject and infra; knows neither Flask nor the web nor the commands.
"""
