// Express in the style of Meta's sample: body-parser with a verify callback, a loop, 200.
const crypto = require('crypto');
const express = require('express');
const bodyParser = require('body-parser');
const app = express();
app.use(bodyParser.json({ limit: '4mb', verify: (req, res, buf) => {
  const signature = req.headers['x-hub-signature-256'];
  if (!signature) throw new Error('no signature');
  const expected = crypto.createHmac('sha256', 's3cret').update(buf).digest('hex');
  if (signature.split('=')[1] !== expected) throw new Error("Couldn't validate the signature.");
} }));
let seen = 0;
app.post('/webhook', (req, res) => {
  if (req.body.object !== 'page') return res.sendStatus(404);
  req.body.entry.forEach(entry => entry.messaging.forEach(event => {
    if (event.account_linking) seen += 1;
  }));
  res.sendStatus(200);
});
app.listen(process.env.PORT, '127.0.0.1');
