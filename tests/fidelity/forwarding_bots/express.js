// A plain Express bot that checks X-Hub-Signature-256 and reads the event.
const crypto = require("node:crypto");
const express = require("express");
const app = express();
app.use(express.raw({ type: "*/*", limit: "4mb" }));
app.post("/webhook", (request, response) => {
  const mac = crypto.createHmac("sha256", process.env.APP_SECRET).update(request.body).digest("hex");
  if (request.get("X-Hub-Signature-256") !== `sha256=${mac}`) return response.sendStatus(403);
  const event = JSON.parse(request.body).entry[0].messaging[0];
  console.log(`READ ${event.sender.id} ${event.message.text}`);
  response.sendStatus(200);
});
app.listen(Number(process.env.PORT));
