"""Types of Messenger's ids."""

from typing import NewType

# Page-scoped id of a person: valid only together with the id of its page.
Psid = NewType("Psid", str)

PageId = NewType("PageId", str)
