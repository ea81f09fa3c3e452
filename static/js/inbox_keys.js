// The inbox by keyboard. Typing in a field is never a key. Keys that answer act on the open question, and only when
// the person is at its row in the list.
import { firstField, mainAction } from "./answering.js";
import { holdsTyping } from "./launch_summary.js";

const TYPED = "input:not([type=radio]):not([type=checkbox]), textarea, select, dialog[open]";
const BESIDE = window.matchMedia("(min-width: 56.01rem)");  // wide enough for the list and a question beside it

let meant = null;  // the address of the row that keys went to last

export function attachInboxKeys(inbox) {
  arrive(inbox);
  inbox.addEventListener("focusin", ({ target }) => {
    const item = target.closest("[data-inbox-item]");
    if (item) meant = item.href;
    else if (target.closest(".inbox-main")) meant = null;
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && event.target.closest(".inbox-main")) return void onShow(inbox)?.focus();
    if (event.target.closest(TYPED)) return;
    if (KEYS[event.key]?.(inbox, event)) event.preventDefault();
  });
}

const KEYS = {
  j: (inbox) => move(inbox, 1),
  k: (inbox) => move(inbox, -1),
  a: (inbox, { repeat }) => repeat || at(inbox, (form) => mainAction(form)?.click()),
  e: (inbox) => at(inbox, edit),
  "?": () => show(document.querySelector("[data-inbox-keys]")),
};

/** After a key that moved, or an answer, the row on show has the focus; after a row was opened, the first field of its question. */
function arrive(inbox) {
  const row = location.hash.startsWith("#inbox-") && document.getElementById(location.hash.slice(1));
  if (row) return row.focus();
  if ("next" in inbox.dataset) return onShow(inbox)?.focus({ preventScroll: true });
  if (!("chosen" in inbox.dataset) || window.matchMedia("(pointer: coarse)").matches) return;  // a screen keyboard would hide the question
  const main = inbox.querySelector(".inbox-main");
  (firstField(main?.querySelector("[data-question]")) ?? main?.querySelector(".answer-head h2"))?.focus();
}

function move(inbox, by) {
  const items = [...inbox.querySelectorAll("[data-inbox-item]")];
  const here = items.indexOf(document.activeElement);
  const current = here >= 0 ? here : items.indexOf(onShow(inbox));
  const next = items[Math.max(0, Math.min(items.length - 1, current + by))];
  next?.focus();
  const form = inbox.querySelector("[data-answer-form]");
  const isKept = form && holdsTyping(form);  // moving must not lose input; Enter opens the row
  if (next && BESIDE.matches && !isKept && next !== onShow(inbox)) location.replace(`${next.href}#${next.id}`);
  return next;
}

/** The row of the question on show. */
function onShow(inbox) {
  return inbox.querySelector("[data-inbox-item][aria-current=true]");
}

/** Act on the open form, if it is visible and the person is at its row; else open that row. */
function at(inbox, act) {
  const main = inbox.querySelector(".inbox-main");
  const form = main?.querySelector("[data-answer-form]");
  if (meant && meant !== onShow(inbox)?.href) {
    if (!form || !holdsTyping(form)) location.assign(meant);
  } else if (form?.checkVisibility()) act(form);
  return true;
}

/** Open the fields to edit, and go to the first. */
function edit(form) {
  const details = form.querySelector("[data-edit-choice]");
  const radio = form.querySelector("input[type=radio][value=edit]");
  if (details) details.open = true;
  else radio?.click();
  firstField(details ?? radio?.closest(".action").querySelector("[data-decision=edit]") ?? form)?.focus();
}

function show(dialog) {
  dialog.showModal();
  return dialog;
}
