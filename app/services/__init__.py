"""Services: builds each part from the settings, once for a process, and runs the background work.

The only package that knows every subject; it knows neither Flask nor the commands.
"""
