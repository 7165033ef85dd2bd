"use strict";
const Bot = require("messenger-bot");
const { given, tell } = require("./report.js");

const bot = new Bot({
  token: given.token,
  app_secret: given.app_secret,
  graph_url: `${given.graph_url}/v26.0/`,
});
const template = (text, button) => ({
  attachment: { type: "template", payload: { template_type: "button", text, buttons: [button] } },
});
const login = { type: "account_link", url: given.login_url };

(async () => {
  await tell("set linking url", () => bot.setField("account_linking_url", given.login_url));
  await tell("send Log In", () => bot.sendMessage(given.psid, template("Log in", login)));
  await tell("send Log Out", () =>
    bot.sendMessage(given.psid, template("Log out", { type: "account_unlink" })));
  await tell("sender action", () => bot.sendSenderAction(given.psid, "typing_on"));
  await tell("profile", () => bot.getProfile(given.psid));
  await tell("unlink", () => bot.unlinkAccount(given.psid));
  await tell("delete linking url", () => bot.deleteField("account_linking_url"));
})();
