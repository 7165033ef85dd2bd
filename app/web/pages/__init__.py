"""The pages that a person meets between tapping Log In in Messenger and coming back.

Views turn requests into use cases of `app.linking` and answers into pages; transactions and rules
are not theirs. Imports nothing of `web.api`, `web.webhook` and `web.server`.
"""
