// A simulated Messenger for tests in Node: it runs `threadlink emulator` as a child process.
//
//   const messenger = await startMessenger("--webhook-url", "http://127.0.0.1:8000/webhook");
//   const { failure } = await messenger.control("POST", "/trigger", { what: "linked" });
//   messenger.stop();
//
// It needs Node 20 or newer, and the command threadlink, or its path in THREADLINK_COMMAND. The
// calls of control() are those of docs/testing.md.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** A running Messenger: its addresses, `env` for the server under test, control() and stop(). */
export async function startMessenger(...options) {
  const command = process.env.THREADLINK_COMMAND ?? "threadlink";
  const words = ["emulator", "--port", "0", "--json", ...options];
  const child = spawn(command, words, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit").then(([code]) => {
    throw new Error(`the emulator did not start: exit ${code}`);
  });
  const [line] = await Promise.race([once(createInterface(child.stdout), "line"), ended]);
  ended.catch(() => {}); // at its end it is stopped
  const described = JSON.parse(line);
  const headers = {
    Authorization: `Bearer ${described.control_key}`,
    "Content-Type": "application/json",
  };
  return {
    ...described,
    /** One call of the control API; throws what it says is wrong with the call. */
    async control(method, path, content) {
      const body = content && JSON.stringify(content);
      const answer = await fetch(described.control_url + path, { method, headers, body });
      const text = await answer.text();
      if (!answer.ok) throw new Error(text);
      return text && JSON.parse(text);
    },
    stop: () => child.kill(),
  };
}
