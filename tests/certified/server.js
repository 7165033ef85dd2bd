// npm's oidc-provider with its own log-in and consent pages: takes any name and any password.
// Each line of standard input is a configuration, which takes the place of the one before.
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { Provider } from "oidc-provider";

const server = createServer((request, response) => answer(request, response));
let answer;

server.listen(0, "127.0.0.1", async () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  for await (const line of createInterface({ input: process.stdin })) {
    const provider = new Provider(issuer, {
      claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
      findAccount: (_, id) => ({
        accountId: id,
        claims: () => ({ sub: id, email: `${id}@example.com`, email_verified: true, name: id }),
      }),
      pkce: { required: () => true },
      ...JSON.parse(line),
    });
    answer = provider.callback();
    console.log(issuer);
  }
});
