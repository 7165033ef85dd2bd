// Express that looks up a person as Threadlink's API does: the key by its hash, one row by its key.
const crypto = require('crypto');
const express = require('express');
const COLUMNS = ['page_id', 'psid', 'issuer', 'subject', 'display_name', 'messenger_name', 'state',
  'version', 'event_at', 'cause', 'reference'].map((name) => `link.${name}`).join(', ');
const select = (keyId, pageId, psid) => `SELECT hash, scopes, expires_at, revoked_at, ${COLUMNS} `
  + `FROM api_key LEFT JOIN link ON link.page_id = ${pageId} AND psid = ${psid} `
  + `AND state = 'linked' WHERE api_key.id = ${keyId}`;

function reader(address) {
  if (address.startsWith('sqlite:///')) {
    const Database = require('libsql');
    const statement = new Database(address.replace('sqlite:///', '')).prepare(select('?3', '?1', '?2'));
    return (...wanted) => statement.get(...wanted);
  }
  const { Pool } = require('pg');
  const pool = new Pool({ connectionString: address.replace('+psycopg', ''), max: 16 });
  const text = select('$3', '$1', '$2');
  return async (...wanted) => (await pool.query({ name: 'look-up', text, values: wanted })).rows[0];
}

const find = reader(process.env.DATABASE_URL);
const app = express();
app.get('/healthz', (req, res) => res.end());
app.get('/api/v1/links/:page/:psid', async (req, res) => {
  const given = (req.get('authorization') || '').replace(/^Bearer /, '');
  const row = await find(req.params.page, req.params.psid, given.slice(4, 14));
  const hash = crypto.createHash('sha256').update(given).digest('hex');
  const isKey = row && crypto.timingSafeEqual(Buffer.from(row.hash), Buffer.from(hash));
  const isOver = row && (row.revoked_at || (row.expires_at && new Date(row.expires_at) <= new Date()));
  if (!isKey || isOver || !row.scopes.split(' ').includes('links:read')) return res.sendStatus(401);
  if (!row.state) return res.sendStatus(404);
  const { hash: _hash, scopes, expires_at, revoked_at, ...link } = row;
  res.json(link);
});
app.listen(process.env.PORT, '127.0.0.1');
