"use strict";
const { MessengerClient } = require("messaging-api-messenger");
const { given, tell } = require("./report.js");

const client = new MessengerClient({
  accessToken: given.token,
  appId: given.app_id,
  appSecret: given.app_secret,
  origin: given.graph_url,
  version: "26.0",
});
const login = { type: "account_link", url: given.login_url };

(async () => {
  await tell("set linking url", () => client.setAccountLinkingURL(given.login_url));
  await tell("get linking url", () => client.getAccountLinkingURL());
  await tell("send Log In", () => client.sendButtonTemplate(given.psid, "Log in", [login]));
  await tell("send Log Out", () =>
    client.sendButtonTemplate(given.psid, "Log out", [{ type: "account_unlink" }]));
  await tell("sender action", () => client.typingOn(given.psid));
  await tell("profile", () => client.getUserProfile(given.psid));
  await tell("debug token", () => client.debugToken());
  await tell("read subscription", () =>
    client.getPageSubscription({ accessToken: `${given.app_id}|${given.app_secret}` }));
  await tell("delete linking url", () => client.deleteAccountLinkingURL());
})();
