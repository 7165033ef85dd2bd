// npm bootbot: checks X-Hub-Signature itself, over the raw bytes, and reads the event.
const BootBot = require("bootbot");
const options = { accessToken: "t", verifyToken: "v", appSecret: process.env.APP_SECRET };
const bot = new BootBot(options);
// It calls bind() on what is by now a route for HTTP's BIND: today's Express refuses that.
bot.app.bind = () => bot.app;
bot.on("message", (payload) => console.log(`READ ${payload.sender.id} ${payload.message.text}`));
bot.start(Number(process.env.PORT));
