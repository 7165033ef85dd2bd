"use strict";
// A bot written directly on Express, in the style of Meta's samples of 2016 to 2021: it follows any
// redirect_uri, and checks a signature only if there is one.
const crypto = require("node:crypto");
const express = require("express");

const given = JSON.parse(process.env.FIDELITY);
const app = express();

app.get("/authorize", (request, response) => {
  const back = encodeURIComponent(request.query.redirect_uri);
  response.send(`<h1>Log in</h1><form method="post" action="/authorize?back=${back}">
    <button>OK</button></form>`);
});
app.post("/authorize", (request, response) => {
  response.redirect(`${request.query.back}&authorization_code=${crypto.randomUUID()}`);
});

const right = (raw) => `sha1=${crypto.createHmac("sha1", given.app_secret).update(raw).digest("hex")}`;
app.use(express.json({
  verify: (request, _, raw) => {
    const signature = request.get("X-Hub-Signature");
    if (signature && signature !== right(raw)) throw new Error("signed with another secret");
  },
}));
app.post("/webhook", (request, response) => {
  if (request.body.object !== "page") return;
  for (const entry of request.body.entry) {
    for (const event of entry.messaging) {
      if (event.account_linking) console.log(JSON.stringify({ heard: event.account_linking }));
    }
  }
  response.sendStatus(200);
});

const server = app.listen(0, "127.0.0.1", () => {
  console.log(JSON.stringify({ url: `http://127.0.0.1:${server.address().port}/webhook` }));
});
