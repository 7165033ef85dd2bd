"""The delivery log: a distributed log that takes Messenger's deliveries in place of the outbox.

`log` is what the web and the worker know of it; a kind of log, such as NATS JetStream, is a class
that does what `log.DeliveryLog` says. Imports the outbox, and neither linking nor the web.
"""
