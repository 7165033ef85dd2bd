"use strict";
const { writeFileSync } = require("node:fs");

const given = JSON.parse(process.env.FIDELITY);
const express = require("express");

const channel = {
  enabled: true,
  path: "/webhook",
  pageId: given.page_id,
  accessToken: given.token,
  appId: given.app_id,
  appSecret: given.app_secret,
  verifyToken: given.verify_token,
  origin: given.graph_url,
  skipLegacyProfile: true,
};
const config = { channels: { messenger: channel }, session: { driver: "memory" } };
writeFileSync("bottender.config.js", `module.exports = ${JSON.stringify(config)};`);
writeFileSync("index.js", `module.exports = async (context) => {
  if (context.event.isAccountLinking)
    console.log(JSON.stringify({ heard: context.event.accountLinking }));
};`);

const { bottender } = require("bottender");
const app = bottender({ dev: false });
const handle = app.getRequestHandler();
app.prepare().then(() => {
  const web = express();
  web.use(express.json({ verify: (request, _, raw) => { request.rawBody = raw.toString(); } }));
  web.use((request, response) => handle(request, response));
  const server = web.listen(0, "127.0.0.1", () => {
    console.log(JSON.stringify({ url: `http://127.0.0.1:${server.address().port}/webhook` }));
  });
});
