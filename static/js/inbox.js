// The inbox by keyboard, and a notification when a question comes, for those who asked for it.
// Typing in a field is never taken for a key.
const ASKED = "runboard-notify";

export function attachInbox() {
  const inbox = document.querySelector("[data-inbox]");
  watchCount();
  if (!inbox) return;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, dialog[open]")) return;
    if (KEYS[event.key]?.(inbox)) event.preventDefault();
  });
  attachNotify();
}

const KEYS = {
  j: (inbox) => move(inbox, 1),
  k: (inbox) => move(inbox, -1),
  a: (inbox) => press(inbox.querySelector("[data-first-choice]")),
  e: (inbox) => open(inbox.querySelector("[data-edit-choice]")) || press(inbox.querySelector("input[type=radio][value=edit]")),
  "?": () => show(document.querySelector("[data-inbox-keys]")),
};

function move(inbox, by) {
  const items = [...inbox.querySelectorAll("[data-inbox-item]")];
  const at = items.indexOf(document.activeElement);
  const current = at >= 0 ? at : items.findIndex((item) => item.ariaCurrent === "true");
  const next = items[Math.max(0, Math.min(items.length - 1, at < 0 && current < 0 ? 0 : current + by))];
  next?.focus();
  return next;
}

function press(button) {
  button?.click();
  return button;
}

function open(details) {
  if (!details) return null;
  details.open = true;
  details.querySelector("input, textarea, select")?.focus();
  return details;
}

function show(dialog) {
  dialog.showModal();
  return dialog;
}

/** The count in the title follows the one in the navigation; a higher one may be told. */
function watchCount() {
  const link = document.getElementById("inbox-count")?.parentElement;
  if (!link) return;
  const count = () => Number(document.getElementById("inbox-count").dataset.inboxCount);
  let known = count();
  new MutationObserver(() => {
    if (count() > known && document.hidden && localStorage[ASKED] && Notification.permission === "granted") {
      new Notification("Runboard", { body: `${count()} questions wait for an answer`, tag: "runboard-inbox" });
    }
    known = count();
    if (document.querySelector("[data-inbox]")) document.title = document.title.replace(/^(\(\d+\) )?/, known ? `(${known}) ` : "");
  }).observe(link, { childList: true, subtree: true, attributes: true });
}

function attachNotify() {
  const button = document.querySelector("[data-inbox-notify]");
  if (!button || !("Notification" in window)) return;
  const label = () => {
    const isOn = localStorage[ASKED] && Notification.permission === "granted";
    button.lastChild.textContent = isOn ? "Notifying" : "Notify me";
    button.ariaPressed = String(Boolean(isOn));
  };
  button.hidden = false;
  label();
  button.addEventListener("click", async () => {
    if (localStorage[ASKED]) delete localStorage[ASKED];
    else if ((await Notification.requestPermission()) === "granted") localStorage[ASKED] = "yes";
    label();
  });
}
