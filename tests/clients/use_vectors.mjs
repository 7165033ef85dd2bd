// Prints what the client for Node makes of each vector: node use_vectors.mjs CLIENTS URL KEY

import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [, , folder, url, key] = process.argv;
const client = await import(pathToFileURL(`${folder}/node/threadlink.mjs`));
const vectors = JSON.parse(readFileSync(`${folder}/vectors.json`, "utf8"));
const METHODS = { link: "link", send_login: "sendLogin", send_logout: "sendLogout" };

function notice({ body, headers, secret, now }) {
  try {
    return client.readNotice(Buffer.from(body), headers, secret, now);
  } catch (error) {
    if (error instanceof client.SignatureError) return null;
    throw error;
  }
}

async function call(vector, number) {
  const threadlink = new client.Threadlink(`${url}/node/${number}`, key);
  try {
    return { result: await threadlink[METHODS[vector.call]](...vector.arguments) };
  } catch (error) {
    if (error instanceof TypeError) return { refused: true };
    if (!(error instanceof client.ThreadlinkError) || error.message.includes(key)) throw error;
    return { error: { status: error.status, type: error.type } };
  }
}

const long = Buffer.alloc(client.LONGEST_BODY + 1);
const signed = `sha256=${createHmac("sha256", "s").update(long).digest("hex")}`;

const said = {
  tooLong: client.isMessengers(long, signed, "s"),
  messenger: vectors.messenger.map(({ body, signature, secrets }) =>
    client.isMessengers(Buffer.from(body), signature, secrets),
  ),
  notices: vectors.notices.map(notice),
  calls: await Promise.all(vectors.calls.map(call)),
};
console.log(JSON.stringify(said));
