// Bottender with its documented custom server; it checks signatures by itself.
process.chdir(`${__dirname}/bottender`);
const express = require('express');
const bodyParser = require('body-parser');
const { bottender } = require('bottender');
const app = bottender({ dev: false });
const handle = app.getRequestHandler();
app.prepare().then(() => {
  const server = express();
  server.use(bodyParser.json({ limit: '4mb', verify: (req, _, buf) => { req.rawBody = buf.toString(); } }));
  server.get('/healthz', (req, res) => res.end());
  server.all('/webhook', (req, res) => handle(req, res));
  server.listen(process.env.PORT, '127.0.0.1');
});
