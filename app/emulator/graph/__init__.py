"""The simulated Graph API: the calls around account linking, as Meta documents them.

https://developers.facebook.com/documentation/business-messaging/messenger-platform
"""
