"""Programs that check the signature of a notice, with nothing but what their language brings."""

from typing import Final

PYTHON: Final = '''\
import base64
import hmac
import time


def is_genuine(secret, headers, body):
    """Return whether Threadlink sent these bytes just now."""
    sent_at = headers["webhook-timestamp"]
    start = f"{headers['webhook-id']}.{sent_at}."
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mac = hmac.digest(key, start.encode() + body, "sha256")
    mine = b"v1," + base64.b64encode(mac)
    given = headers["webhook-signature"].encode().split()
    return abs(time.time() - int(sent_at)) < 300 and any(
        hmac.compare_digest(mine, one) for one in given
    )
'''

NODE: Final = """\
import { createHmac, timingSafeEqual } from "node:crypto";

// Returns whether Threadlink sent these bytes just now.
export function isGenuine(secret, headers, body) {
  const id = headers["webhook-id"];
  const sentAt = headers["webhook-timestamp"];
  const key = Buffer.from(secret.slice(6), "base64");
  const mac = createHmac("sha256", key)
    .update(`${id}.${sentAt}.`)
    .update(body)
    .digest("base64");
  const mine = Buffer.from(`v1,${mac}`);
  const isSame = (given) =>
    given.length === mine.length &&
    timingSafeEqual(Buffer.from(given), mine);
  return (
    Math.abs(Date.now() / 1000 - sentAt) < 300 &&
    headers["webhook-signature"].split(" ").some(isSame)
  );
}
"""
