// npm botbuilder-adapter-facebook: checks X-Hub-Signature itself, and reads the event. It throws at
// changes, which it reads as messages.
const express = require("express");
const { FacebookAdapter, FacebookEventTypeMiddleware } = require("botbuilder-adapter-facebook");
const adapter = new FacebookAdapter({
  verify_token: "v",
  app_secret: process.env.APP_SECRET,
  access_token: "t",
});
adapter.use(new FacebookEventTypeMiddleware());
const web = express();
web.use(express.json({ verify: (request, _, raw) => { request.rawBody = raw; } }));
web.post("/webhook", (request, response) => {
  const read = async (context) => {
    const event = context.activity.channelData;
    if (event.message) console.log(`READ ${event.sender.id} ${event.message.text}`);
  };
  // It sets 401 and throws, or throws at a body it cannot read; its user must end the response.
  adapter.processActivity(request, response, read).catch(() => {
    if (response.statusCode === 200) response.status(500);
    response.end();
  });
});
web.listen(Number(process.env.PORT));
