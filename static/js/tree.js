// Trees of a final state: branches load when opened, and keys follow ARIA's tree pattern.
import { fetchFragment } from "./fragment.js";
import { offerTools } from "./tree_tools.js";

const items = (tree) => [...tree.querySelectorAll('[role="treeitem"]')].filter((item) => item.checkVisibility());
const isOpen = (item) => item.getAttribute("aria-expanded") === "true";
const canOpen = (item) => item.hasAttribute("aria-expanded");

export function attachTrees(root) {
  root.addEventListener("click", (event) => {
    const link = event.target.closest?.("[data-tree] :is(.node, .node-more)");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    const item = link.closest('[role="treeitem"]');
    if (link.matches(".node-more")) more(item, link);
    else setOpen(item, !isOpen(item));
    focus(item);
  });
  root.addEventListener("keydown", (event) => {
    const item = event.target.closest?.('[data-tree] [role="treeitem"]');
    if (item && event.target === item && !event.ctrlKey && !event.metaKey && !event.altKey && press(item, event.key)) event.preventDefault();
  });
  root.addEventListener("focusin", (event) => {
    const item = event.target.closest?.('[data-tree] [role="treeitem"]');
    if (item && event.target === item) offerTools(item);
  });
  root.addEventListener("mouseover", (event) => {
    const item = event.target.closest?.('[data-tree] [role="treeitem"]');
    if (item) offerTools(item);
  });
}

/** Each tree is one stop of the Tab key. */
export function prepareTrees(part) {
  for (const tree of part.querySelectorAll("[data-tree]")) {
    for (const link of tree.querySelectorAll(".node, .node-more")) link.tabIndex = -1;
    const all = tree.querySelectorAll('[role="treeitem"]');
    all.forEach((item) => { item.tabIndex = -1; });
    if (all.length) all[0].tabIndex = 0;
  }
}

function press(item, key) {
  const tree = item.closest("[data-tree]");
  const all = items(tree);
  const at = all.indexOf(item);
  const parent = item.parentElement.closest('[role="treeitem"]');
  if (key === "ArrowDown") focus(all[at + 1]);
  else if (key === "ArrowUp") focus(all[at - 1]);
  else if (key === "Home") focus(all[0]);
  else if (key === "End") focus(all.at(-1));
  else if (key === "ArrowRight") canOpen(item) && !isOpen(item) ? setOpen(item, true) : canOpen(item) && focus(all[at + 1]);
  else if (key === "ArrowLeft") isOpen(item) ? setOpen(item, false) : focus(parent);
  else if (key === "*") [...item.parentElement.children].forEach((one) => canOpen(one) && setOpen(one, true));
  else if (key === "Enter" || key === " ") item.querySelector(":scope > :is(.node, .node-more, .more)")?.click();
  else return false;
  return true;
}

function focus(item) {
  if (!item) return;
  item.closest("[data-tree]").querySelectorAll('[tabindex="0"][role="treeitem"]').forEach((one) => { one.tabIndex = -1; });
  item.tabIndex = 0;
  item.focus({ preventScroll: false });
}

async function setOpen(item, open) {
  if (!canOpen(item)) return;
  const group = item.querySelector(':scope > [role="group"]');
  const link = item.querySelector(":scope > .node");
  if (open && !group && link.href) {
    item.setAttribute("aria-busy", "true");
    const { html } = await fetchFragment(`${link.href}&as=tree`);
    item.removeAttribute("aria-busy");
    if (html === undefined) return;
    const made = document.createElement("ul");
    made.setAttribute("role", "group");
    fill(made, html);
    item.append(made);
  }
  item.setAttribute("aria-expanded", String(open));
  const shown = item.querySelector(':scope > [role="group"]');
  if (shown) shown.hidden = !open;
}

async function more(item, link) {
  const { html } = await fetchFragment(`${link.href}&as=tree`);
  if (html === undefined) return;
  const group = item.parentElement;
  const at = [...group.children].indexOf(item);
  item.remove();
  fill(group, html);
  focus(group.children[at]);
}

function fill(group, html) {
  group.insertAdjacentHTML("beforeend", html);
  group.querySelectorAll(".node, .node-more").forEach((link) => { link.tabIndex = -1; });
  group.querySelectorAll('[role="treeitem"]:not([tabindex])').forEach((one) => { one.tabIndex = -1; });
}
