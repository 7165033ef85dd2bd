"""The way from ASGI to Flask: size and time limits on the event loop, then a call of WSGI.

Knows no route and no subject: of Threadlink it imports the metrics alone.
"""
