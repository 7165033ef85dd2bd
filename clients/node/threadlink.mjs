// A client of Threadlink for bots: look-ups, buttons, and the signatures of what a bot receives.
//
//   const threadlink = new Threadlink(process.env.THREADLINK_URL, process.env.THREADLINK_KEY);
//   const link = await threadlink.link(pageId, psid); // null: nobody is linked
//
// It needs Node 20 or newer alone: copy this file. clients/python/threadlink_client is the same for
// Python, and clients/vectors.json is what both are held to.

import { createHmac, timingSafeEqual } from "node:crypto";

export const LONGEST_BODY = 4 * 1024 * 1024;
export const FRESH_SECONDS = 300;
const MOST_SIGNATURES = 10;
const LONGEST_HEADER = 1000;
const LONGEST_ANSWER = 1024 * 1024;

/** A notice that Threadlink did not sign, or not lately: answer it with 403. */
export class SignatureError extends Error {}

/** An answer of Threadlink's other than success; status is null if there was none. */
export class ThreadlinkError extends Error {
  constructor(message, { status = null, type = "", cause } = {}) {
    super(message, { cause });
    this.status = status;
    // The last word of the problem's type, such as "throttled": /api/docs of your server has all.
    this.type = type;
  }
}

/**
 * Whether signature, the header X-Hub-Signature-256, is Messenger's over body, a Buffer as received.
 * Of several secrets, as in a rotation, one is enough.
 * https://developers.facebook.com/docs/graph-api/webhooks/getting-started
 */
export function isMessengers(body, signature, appSecret) {
  if (!Buffer.isBuffer(body) || body.length > LONGEST_BODY) return false;
  const given = Buffer.from(String(signature ?? "").slice(0, LONGEST_HEADER));
  let found = false;
  for (const secret of [appSecret].flat()) {
    if (!secret) continue;
    const mine = Buffer.from(`sha256=${createHmac("sha256", secret).update(body).digest("hex")}`);
    found = isSame(mine, given) || found;
  }
  return found;
}

/**
 * The notice in body, a Buffer, if its headers show that Threadlink sent it just now.
 * secret is BOT_WEBHOOK_SECRET, whsec_…; headers are an object, of any case. Throws SignatureError.
 * https://www.standardwebhooks.com, "Verifying signatures"
 */
export function readNotice(body, headers, secret, now = Date.now() / 1000) {
  const named = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  const [id, at, signatures] = ["id", "timestamp", "signature"].map((name) =>
    String(named.get(`webhook-${name}`) ?? ""),
  );
  const tooLong = Math.max(id.length, signatures.length) > LONGEST_HEADER;
  if (!Buffer.isBuffer(body) || body.length > LONGEST_BODY || tooLong || !id || !/^[0-9]{1,12}$/.test(at))
    throw new SignatureError("a header is missing or malformed, or something is too long");
  if (Math.abs(now - Number(at)) > FRESH_SECONDS)
    throw new SignatureError("the notice was signed more than five minutes ago or ahead");
  const given = signatures.split(" ").slice(0, MOST_SIGNATURES).map((word) => Buffer.from(word));
  let found = false;
  for (const key of keysOf(secret)) {
    const mac = createHmac("sha256", key).update(`${id}.${at}.`).update(body).digest("base64");
    const mine = Buffer.from(`v1,${mac}`);
    for (const one of given) found = isSame(mine, one) || found;
  }
  if (!found) throw new SignatureError("no signature is that of this body under the secret");
  const notice = parsed(body.toString());
  if (!isObject(notice)) throw new SignatureError("the body is not a JSON object");
  return notice;
}

/** The API of the server at url, with an API key; seconds limit each call as a whole. */
export class Threadlink {
  #api;
  #key;
  #seconds;

  constructor(url, key, { seconds = 10 } = {}) {
    if (!/^https?:\/\//.test(url)) throw new TypeError("the address must begin with http:// or https://");
    if (!/^[\x20-\x7e]+$/.test(key)) throw new TypeError("the API key has characters that no key has");
    this.#api = `${url.replace(/\/+$/, "")}/api/v1`;
    this.#key = key;
    this.#seconds = seconds;
  }

  /** The link of a person, with issuer and subject; null if nobody is linked. Throws ThreadlinkError. */
  async link(pageId, psid) {
    try {
      return await this.#call("GET", `/links/${idOf(pageId)}/${idOf(psid)}`);
    } catch (error) {
      if (error.status === 404 && error.type === "not_found") return null;
      throw error;
    }
  }

  /**
   * Sends a Log In button with text above it, or with Threadlink's; the message's id.
   * resume, of 512 characters at most, comes back in the notice that follows from the button.
   */
  sendLogin(pageId, psid, text, resume) {
    return this.#button("login", pageId, psid, text, resume);
  }

  /** Sends a Log Out button, as sendLogin does. */
  sendLogout(pageId, psid, text) {
    return this.#button("logout", pageId, psid, text);
  }

  async #button(kind, pageId, psid, text, resume) {
    const button = { kind, psid: idOf(psid), text: text ?? undefined, resume: resume ?? undefined };
    return (await this.#call("POST", `/pages/${idOf(pageId)}/buttons`, button)).message_id;
  }

  async #call(method, path, content) {
    const headers = { Authorization: `Bearer ${this.#key}`, "Content-Type": "application/json" };
    const signal = AbortSignal.timeout(this.#seconds * 1000);
    // A redirect would take the key to another server.
    const more = { redirect: "manual", body: content && JSON.stringify(content) };
    let response, answer;
    try {
      response = await fetch(this.#api + path, { method, headers, signal, ...more });
      answer = parsed(await read(response));
    } catch (cause) {
      throw new ThreadlinkError(`no answer of Threadlink: ${cause.message}`, { cause });
    }
    if (response.ok && isObject(answer)) return answer;
    const problem = isObject(answer) ? answer : {};
    const words = [problem.title, problem.detail].filter(Boolean).join(": ");
    const type = String(problem.type ?? "").split("#").at(-1);
    throw new ThreadlinkError(`${response.status} ${words}`.trim().slice(0, 500), {
      status: response.status,
      type,
    });
  }
}

function isSame(mine, given) {
  return mine.length === given.length && timingSafeEqual(mine, given);
}

function keysOf(secret) {
  const words = typeof secret === "string" ? secret.split(/\s+/).filter(Boolean) : (secret ?? []);
  const keys = words.map((word) => {
    const text = word.replace(/^whsec_/, "");
    if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text) || text.length % 4)
      throw new TypeError("the secret is not whsec_ and base64");
    return Buffer.from(text, "base64");
  });
  if (!keys.length) throw new TypeError("the secret is empty");
  return keys;
}

/** text, if it is an id of Facebook's: anything else could lead to another path. */
function idOf(text) {
  if (typeof text !== "string" || !/^[0-9]{1,64}$/.test(text))
    throw new TypeError("ids of pages and persons are digits");
  return text;
}

async function read(response) {
  const chunks = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > LONGEST_ANSWER) return ""; // no answer of Threadlink's: the connection is closed
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isObject(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}
