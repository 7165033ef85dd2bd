// Keeps the chat and the inspector up to date. Without it, everything works by reloading the page.
"use strict";

const EVERY_MS = 1000;

function fromHtml(text) {
  return document.createRange().createContextualFragment(text);
}

async function refreshMessages(box, talk) {
  const known = { "If-None-Match": `"${box.dataset.version}"` };
  const answer = await fetch(box.dataset.live, { headers: known });
  if (answer.status !== 200) return;
  const fresh = fromHtml(await answer.text());
  // The list grows from its end, where scrollTop is 0: who reads further up stays there.
  const fromTop = talk.scrollHeight + talk.scrollTop;
  const stay = talk.scrollTop < -80;
  box.dataset.version = answer.headers.get("ETag").replaceAll('"', "");
  box.replaceChildren(fresh);
  talk.scrollTop = stay ? fromTop - talk.scrollHeight : 0;
}

function addLogIn(box, fresh) {
  const shown = box.querySelector(`[data-log-in="${fresh.dataset.logIn}"]`);
  if (!shown) {
    for (const other of box.querySelectorAll(".log-in[open]")) {
      if (!other.contains(document.activeElement)) other.open = false;
    }
    box.prepend(fresh);
    return;
  }
  shown.className = fresh.className;
  shown.querySelector("summary").replaceChildren(...fresh.querySelector("summary").childNodes);
  shown.querySelector(".log-in-steps").prepend(...fresh.querySelector(".log-in-steps").children);
}

function newestIn(box) {
  const numbers = [...box.querySelectorAll(".entry")].map((entry) => Number(entry.dataset.number));
  return Math.max(0, ...numbers);
}

async function refreshEntries(box) {
  const address = new URL(box.dataset.live, location.href);
  address.searchParams.set("after", newestIn(box));
  const answer = await fetch(address);
  if (!answer.ok) return;
  for (const place of [...fromHtml(await answer.text()).children].reverse()) {
    if (place.matches(".log-in")) addLogIn(box, place);
    else box.prepend(place);
  }
}

const talk = document.getElementById("talk");
const messages = document.getElementById("messages");
const entries = document.getElementById("entries");
const composer = document.getElementById("composer");
let busy = false;

async function refresh() {
  if (busy || document.hidden) return;
  busy = true;
  try {
    if (messages) await refreshMessages(messages, talk);
    if (entries) await refreshEntries(entries);
  } catch {
    // The emulator has stopped; the next refresh finds out whether it runs again.
  } finally {
    busy = false;
  }
}

composer?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = new URLSearchParams(new FormData(composer));
  composer.reset();
  await fetch(composer.action, { method: "POST", body });
  talk.scrollTop = 0;
  await refresh();
});

// A computer shows the log-in in a window as small as a phone, beside the inspector; where that is
// refused it opens in place of the chat, as on a phone. The window is opened before the form is sent,
// because a browser allows it during a tap only.
const WIDE = matchMedia("(min-width: 56.25em)");

document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-log-in-window]");
  if (!form || !WIDE.matches) return;
  const place = `left=${window.screenX + 24},top=${window.screenY + 80}`;
  const opened = window.open("", "login", `popup,width=390,height=844,${place}`);
  form.target = opened ? "login" : "";
  opened?.focus();
});

// The page of the return, in that window: the chat behind it says how it went. A failure stays, as
// it explains itself.
const ending = document.querySelector("[data-outcome]");
if (ending && window.opener && window.name === "login") {
  const leave = document.querySelectorAll("[data-leave]");
  if (ending.dataset.outcome !== "failed") window.close();
  for (const link of leave) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      window.close();
    });
  }
}

// Entries that are open stay open over a reload, until the tab is closed.
const OPEN = `open ${location.pathname}`;

function rememberOpen() {
  const open = [...document.querySelectorAll("details[open][data-number]")];
  sessionStorage.setItem(OPEN, JSON.stringify(open.map((entry) => entry.dataset.number)));
}

for (const number of JSON.parse(sessionStorage.getItem(OPEN) ?? "[]")) {
  const entry = document.querySelector(`details[data-number="${number}"]`);
  if (entry) entry.open = true;
}

async function copyFrom(link) {
  const text = await (await fetch(link.href)).text();
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // No permission, or no clipboard: show the text instead.
    location.assign(link.href);
    return;
  }
  const words = link.textContent;
  document.getElementById("said").textContent = `${words}: done`;
  link.textContent = "Copied";
  setTimeout(() => { link.textContent = words; }, 1500);
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-copy]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  copyFrom(link);
});

// Where the exchanges are shown live, sending again needs no page load.
document.addEventListener("submit", async (event) => {
  if (!entries || !event.target.closest(".actions")) return;
  event.preventDefault();
  await fetch(event.target.action, { method: "POST" });
  document.getElementById("said").textContent = "Sent";
  await refresh();
});

// Up and down move between exchanges, as in any list.
entries?.addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const here = event.target.closest("summary");
  if (!step || !here) return;
  const all = [...entries.querySelectorAll("summary")].filter((each) => each.checkVisibility());
  const next = all[all.indexOf(here) + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
});
document.addEventListener("toggle", rememberOpen, true);

// Searches the faults while the person types; the server searches, as it does for the form.
const find = document.getElementById("find");
find?.addEventListener("input", async () => {
  const wanted = find.value;
  const address = new URL(find.form.action);
  address.searchParams.set("find", wanted);
  const answer = await fetch(address);
  if (!answer.ok || find.value !== wanted) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const found = page.getElementById("found");
  document.getElementById("found").replaceWith(found);
  document.getElementById("said").textContent = found.dataset.count;
  history.replaceState(null, "", address);
});

if (messages || entries) {
  setInterval(refresh, EVERY_MS);
  document.addEventListener("visibilitychange", refresh);
  window.addEventListener("focus", refresh);
}
