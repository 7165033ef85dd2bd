"""The settings: read, checked and described. Imports nothing of app but app.infra.network."""
