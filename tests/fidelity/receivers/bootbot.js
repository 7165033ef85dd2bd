"use strict";
const BootBot = require("bootbot");

const given = JSON.parse(process.env.FIDELITY);
const bot = new BootBot({
  accessToken: given.token,
  verifyToken: given.verify_token,
  appSecret: given.app_secret,
});
bot.on("account_linking", (event) => console.log(JSON.stringify({ heard: event.account_linking })));
bot._initWebhook();
const server = bot.app.listen(0, "127.0.0.1", () => {
  console.log(JSON.stringify({ url: `http://127.0.0.1:${server.address().port}/webhook` }));
});
