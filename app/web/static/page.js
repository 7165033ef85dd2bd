// Every page works without this file; it only makes some moments smoother.
"use strict";

// A password that can be looked at is typed wrong less often on a phone.
for (const button of document.querySelectorAll("button[data-shows]")) {
  const field = document.getElementById(button.dataset.shows);
  const hidden = { text: button.textContent, label: button.getAttribute("aria-label") };
  const shown = { text: button.dataset.shown, label: button.dataset.shownLabel };
  const show = (isShown) => {
    const words = isShown ? shown : hidden;
    field.type = isShown ? "text" : "password";
    button.textContent = words.text;
    button.setAttribute("aria-label", words.label);
  };
  button.hidden = false;
  button.addEventListener("click", () => show(field.type === "password"));
  // Browsers keep what was typed into a text field; this one must be a password again.
  field.form.addEventListener("submit", () => show(false));
}

// The second half of a double click, begun on another page or in a window above this one, must not
// fall on this button. It stays in the tab order, so that a keyboard finds it from the first moment.
for (const button of document.querySelectorAll("button[data-after-a-moment]")) {
  let timer;
  const stop = () => {
    clearTimeout(timer);
    button.setAttribute("aria-disabled", "true");
  };
  const wait = () => {
    stop();
    if (document.visibilityState === "visible") {
      timer = setTimeout(() => button.removeAttribute("aria-disabled"), 500);
    }
  };
  button.form.addEventListener("submit", (event) => {
    if (button.hasAttribute("aria-disabled")) {
      event.preventDefault();
      event.stopImmediatePropagation();
    }
  });
  addEventListener("blur", stop);
  for (const back of ["focus", "pageshow"]) addEventListener(back, wait);
  document.addEventListener("visibilitychange", wait);
  // A browser that tells of no focus when its window is back tells of the first touch.
  document.addEventListener("pointerdown", () => {
    if (button.hasAttribute("aria-disabled")) wait();
  });
  wait();
}

// One click, one request. Messenger may take over without leaving this page, or the person may
// come back to it: a form is never shut for good.
const PAUSE = 5000;
for (const form of document.forms) {
  const button = form.querySelector("button[data-busy]");
  const text = button?.textContent;
  const reopen = () => {
    form.removeAttribute("aria-busy");
    if (button) {
      button.textContent = text;
      button.classList.remove("is-busy");
    }
  };
  form.addEventListener("submit", (event) => {
    if (form.hasAttribute("aria-busy")) {
      event.preventDefault();
      return;
    }
    form.setAttribute("aria-busy", "true");
    if (button) {
      button.textContent = button.dataset.busy;
      button.classList.add("is-busy");
    }
    setTimeout(reopen, PAUSE);
  });
  addEventListener("pageshow", reopen);
}

// How long the page still works: its texts come with the page, one for each minute. The last two
// minutes are read out; at the end the page that says so is asked for.
const clock = document.querySelector("[data-seconds-left]");
if (clock) {
  const texts = clock.dataset.countdown.split("|");
  const end = Date.now() + clock.dataset.secondsLeft * 1000;
  const tell = () => {
    const minutes = Math.ceil((end - Date.now()) / 60000);
    if (minutes <= 0) {
      location.replace(location.href);
      return;
    }
    const text = texts.slice(0, minutes).pop();
    if (minutes <= 2) clock.setAttribute("role", "status");
    if (text !== clock.textContent) clock.textContent = text;
    setTimeout(tell, (end - Date.now()) % 60000 + 50);
  };
  tell();
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
