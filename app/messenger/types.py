from typing import NewType

# Page-scoped id of a person. Means nothing without the page it belongs to.
Psid = NewType("Psid", str)

PageId = NewType("PageId", str)
