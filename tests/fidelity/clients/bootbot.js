"use strict";
// The library has Facebook's address in a method; only the address is changed.
const real = require("node-fetch");
const { given, tell } = require("./report.js");

const here = (url, options) => real(url.replace("https://graph.facebook.com", given.graph_url), options);
require.cache[require.resolve("node-fetch")].exports = here;
const BootBot = require("bootbot");

const bot = new BootBot({
  accessToken: given.token,
  verifyToken: "unused",
  appSecret: given.app_secret,
  graphApiVersion: "v26.0",
});
const setting = { setting_type: "account_linking", account_linking_url: given.login_url };

tell("thread settings", () => bot.sendRequest(setting, "thread_settings"));
