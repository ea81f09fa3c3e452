// A summary of a filled launch form.
import { isTyped } from "./typed.js";

/** Describe the launch in words, and count the changes under Advanced. */
export function summarize(form) {
  const value = (name) => form.elements[name]?.value?.trim() ?? "";
  const advanced = [...form.querySelectorAll("#advanced [name]")];
  const changed = new Set(advanced.filter(isChanged).map((control) => control.name));
  form.querySelector("[data-advanced-count]").textContent = changed.size ? `${changed.size} changed` : "all at their defaults";
  const where = { stateless: "without a thread", existing: "on an existing thread" }[value("thread")] ?? "on a new thread";
  const stops = value("interrupt_before").split("\n").filter(Boolean).join(", ");
  const parts = [where, value("command") && "with a command", stops && `paused before ${stops}`];
  const starts = { in: value("start_in") && `in ${value("start_in")} ${value("start_unit")}`, at: value("start_at").replace("T", " ") };
  const start = starts[value("start")] || (value("after_seconds") && `in ${value("after_seconds")} seconds`);
  if (start) parts.push(`starting ${start}`);
  const summary = form.querySelector("[data-launch-summary]");
  summary.replaceChildren(...(value("assistant_id") ? [strong(value("assistant_id")), ` ${parts.filter(Boolean).join(", ")}.`] : ["Choose an assistant first."]));
}

/** Whether a control under Advanced holds something of its own. */
function isChanged(control) {
  if (control.type === "hidden" || control.type === "button" || /^(shown|given|kind|key|order|paste)\/|_view$|^do$/.test(control.name)) return false;
  if (/^start_(unit|zone)$/.test(control.name)) return false;
  if (control.type === "radio" || control.type === "checkbox") return control.checked && control.value !== "";
  return control.value.trim() !== "";
}

/** Whether a click that loads another form would lose something a person has typed or chosen. */
export function holdsTyping(form) {
  return "typed" in form.dataset || [...form.elements].some((control) => control.name && isTyped(control));
}

function strong(words) {
  const element = document.createElement("strong");
  element.textContent = words;
  return element;
}
