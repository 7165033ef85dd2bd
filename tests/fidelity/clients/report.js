// Shared by the clients: the settings, and one line of JSON for each call.
"use strict";

exports.given = JSON.parse(process.env.FIDELITY);

exports.tell = async function tell(call, made) {
  if (exports.given.only && exports.given.only !== call) return;
  let answer;
  try {
    answer = await made();
  } catch (error) {
    answer = { failed: String(error.message ?? error) };
  }
  console.log(JSON.stringify({ call, answer: answer ?? null }));
};

exports.promised = (made) =>
  new Promise((resolve, reject) => {
    made((error, answer) => (error ? reject(error) : resolve(answer)));
  });
