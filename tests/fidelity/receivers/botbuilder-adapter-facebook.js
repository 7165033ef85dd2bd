"use strict";
const express = require("express");
const { FacebookAdapter, FacebookEventTypeMiddleware } = require("botbuilder-adapter-facebook");

const given = JSON.parse(process.env.FIDELITY);
const adapter = new FacebookAdapter({
  verify_token: given.verify_token,
  app_secret: given.app_secret,
  access_token: given.token,
});
adapter.use(new FacebookEventTypeMiddleware());
const web = express();
web.use(express.json({ verify: (request, _, raw) => { request.rawBody = raw; } }));
web.post("/webhook", (request, response) => {
  const logic = async (context) => {
    const linking = context.activity.channelData.account_linking;
    if (linking) console.log(JSON.stringify({ heard: linking }));
  };
  // It sets 401 and throws, or throws at a body it cannot read; its user must end the response.
  adapter.processActivity(request, response, logic).catch(() => {
    if (response.statusCode === 200) response.status(500);
    response.end();
  });
});
const server = web.listen(0, "127.0.0.1", () => {
  console.log(JSON.stringify({ url: `http://127.0.0.1:${server.address().port}/webhook` }));
});
