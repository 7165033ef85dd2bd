// Every page works without this file; it only makes some moments smoother.
"use strict";

// A password that can be looked at is typed wrong less often on a phone.
for (const button of document.querySelectorAll("button[data-shows]")) {
  const field = document.getElementById(button.dataset.shows);
  const show = (shown) => {
    field.type = shown ? "text" : "password";
    button.textContent = shown ? "Hide" : "Show";
    button.setAttribute("aria-label", shown ? "Hide password" : "Show password");
  };
  button.hidden = false;
  button.addEventListener("click", () => show(field.type === "password"));
  // Browsers keep what was typed into a text field; this one must be a password again.
  field.form.addEventListener("submit", () => show(false));
}

// The second half of a double click, begun on another page or in a window above this one, must not
// fall on this button.
for (const button of document.querySelectorAll("button[data-after-a-moment]")) {
  let timer;
  const stop = () => {
    clearTimeout(timer);
    button.disabled = true;
  };
  const wait = () => {
    stop();
    if (document.visibilityState === "visible") {
      timer = setTimeout(() => { button.disabled = false; }, 500);
    }
  };
  addEventListener("blur", stop);
  for (const back of ["focus", "pageshow"]) addEventListener(back, wait);
  document.addEventListener("visibilitychange", wait);
  // A browser that tells of no focus when its window is back tells of the first touch.
  document.addEventListener("pointerdown", () => { if (button.disabled) wait(); });
  wait();
}

// One click, one request. Messenger may take over without leaving this page, or the person may
// come back to it: a form is never shut for good.
const PAUSE = 5000;
for (const form of document.forms) {
  const reopen = () => form.removeAttribute("aria-busy");
  form.addEventListener("submit", (event) => {
    if (form.hasAttribute("aria-busy")) {
      event.preventDefault();
      return;
    }
    form.setAttribute("aria-busy", "true");
    setTimeout(reopen, PAUSE);
  });
  addEventListener("pageshow", reopen);
}

// A page that answers a form is asked for again, without the form, by whoever comes back to it
// from a help link: every address that takes a form can be looked at as well.
history.replaceState(null, "", location.href);

// Waiting for Messenger: loaded anew only once there is something new, so that nobody who is
// reading or listening is interrupted.
const waiting = document.querySelector("[data-refresh-seconds]");
if (waiting) {
  const look = async () => {
    const answer = await fetch(location.href, { cache: "no-store" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (page.title !== document.title) location.reload();
  };
  setInterval(() => look().catch(() => {}), waiting.dataset.refreshSeconds * 1000);
}
