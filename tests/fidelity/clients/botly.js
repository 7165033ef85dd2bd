"use strict";
const Botly = require("botly");
const { given, promised, tell } = require("./report.js");

const botly = new Botly({ accessToken: given.token, FB_URL: `${given.graph_url}/v26.0/` });
const page = { pageId: given.page_id, url: given.login_url };
const buttons = (...made) => ({ id: given.psid, text: "Orders", buttons: made });

(async () => {
  await tell("set linking url", () => promised((done) => botly.setAccountLinkingURL(page, done)));
  await tell("psid", () => promised((done) => botly.getPSID(given.linking_token, done)));
  await tell("send Log In", () => promised((done) => botly.sendButtons(
    buttons({ type: "account_link", url: given.login_url }), done)));
  await tell("send Log Out", () => promised((done) => botly.sendButtons(
    buttons({ type: "account_unlink" }), done)));
  await tell("sender action", () => promised((done) =>
    botly.sendAction({ id: given.psid, action: "typing_on" }, done)));
  await tell("profile", () => promised((done) => botly.getUserProfile(given.psid, done)));
})();
