// Puts pushed or polled HTML into the page: each part takes the place of the element with its id, if it is newer (or
// has no version, such as the worker banner).
// Keeps open details, the focus, and whole parts whose `data-keep` is the same.
import { prepareTrees } from "./tree.js";
import { keepTyped } from "./typed.js";

export function mergeParts(html) {
  const parts = document.createElement("template");
  parts.innerHTML = html;
  for (const part of [...parts.content.children]) {
    const shown = part.id && document.getElementById(part.id);
    if (shown) replaceIfNewer(shown, part);
  }
}

export function hasEnded(root) {
  return root.querySelector("[data-final]") !== null;
}

export function replaceIfNewer(shown, part) {
  if (!("version" in part.dataset)) return void (part.isEqualNode(shown) || replaceWithFocus(shown, part));
  const [was, is] = [Number(shown.dataset.version), Number(part.dataset.version)];
  if (is <= was) return;
  if (outline(part).isEqualNode(outline(shown))) {
    shown.dataset.version = part.dataset.version;
    return;
  }
  for (const open of shown.querySelectorAll("details[open][id]")) part.querySelector(`#${CSS.escape(open.id)}`)?.setAttribute("open", "");
  replaceWithFocus(shown, part);
  if (part.dataset.title) showFacts(part, part.dataset.announce && !shown.dataset.announce);
}

function replaceWithFocus(shown, part) {
  const focused = shown.contains(document.activeElement) ? document.activeElement : null;
  for (const kept of shown.querySelectorAll("[data-keep][id]")) {
    const again = part.querySelector(`#${CSS.escape(kept.id)}`);
    if (again?.dataset.keep === kept.dataset.keep) again.replaceWith(kept);
  }
  const scrolled = [...shown.querySelectorAll("[data-scroll][id]")].map((box) => [box.id, box.scrollLeft, box.scrollTop]);
  const typed = keepTyped(shown, part);
  hideMine(part);
  shown.replaceWith(part);
  for (const [id, left, top] of scrolled) document.getElementById(id)?.scrollTo(left, top);
  window.htmx.process(part);
  prepareTrees(part);
  if (focused?.isConnected) focused.focus({ preventScroll: true });
  else if (focused && typed) typed.focus();
  else if (focused) (again(focused) ?? document.getElementById("run-title"))?.focus({ preventScroll: true });
}

/** A part without its version and without what is kept anyway, to see whether anything else changed. */
function outline(part) {
  const made = part.cloneNode(true);
  delete made.dataset.version;
  made.querySelectorAll("[data-keep]").forEach((kept) => kept.replaceChildren());
  return made;
}

/** Pushes are the same for everybody: hide the button to assign to me what is already mine. */
function hideMine(part) {
  const me = document.querySelector(".menu-who")?.dataset.person;
  for (const form of part.querySelectorAll("[data-assigned-to]")) form.hidden = form.dataset.assignedTo === me;
}

/** The new element in the place of one that had the focus: by its id, else by its place in what has one. */
function again(focused) {
  if (focused.id) return document.getElementById(focused.id);
  const around = focused.closest("[id]"), name = focused.localName;
  const at = around ? [...around.querySelectorAll(name)].indexOf(focused) : -1;
  const found = document.getElementById(around?.id)?.querySelectorAll(name)[at];
  return name === "summary" || found?.textContent === focused.textContent ? found : null;
}

function showFacts(facts, justEnded) {
  document.title = facts.dataset.title;
  document.getElementById("favicon").href = facts.dataset.icon;
  if (justEnded) document.getElementById("announcer").textContent = facts.dataset.announce;
}
