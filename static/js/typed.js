// Keeps input of an answer form that an update removes, so that it can still be read and copied.

/** Whether a control differs from its initial value. */
export function isTyped(control) {
  if (control.type === "hidden" || control.type === "submit") return false;
  if (control.type === "radio" || control.type === "checkbox") return control.checked !== control.defaultChecked;
  if (control.options) return control.value !== ([...control.options].find((option) => option.defaultSelected) ?? control.options[0])?.value;
  return control.value !== control.defaultValue;
}

/** The controls of a part's answer form with a person's input. */
export function typedIn(part) {
  const form = part.querySelector("[data-answer-form]");
  const isGiven = (control) => form.dataset.typed && control.value && control.matches("textarea, input:not([type=hidden], [type=radio], [type=checkbox])");
  return [...(form?.elements ?? [])].filter((control) => control.name && (isTyped(control) || isGiven(control)));
}

/** Before a form is removed: keep its input next to it, with who was faster. Returns that element, or null. */
export function keepTyped(shown, part) {
  if (part.querySelector("[data-answer-form]")) return null;
  const who = part.dataset.answeredBy;
  return tell(shown, typedIn(shown), who ? `${who} answered meanwhile.` : "The question was closed or has changed.");
}

/** A form that is filled in as last time keeps the input; input without a field is shown. */
export function attachTyped(root) {
  let typed = [];
  root.addEventListener("htmx:beforeSwap", ({ detail }) => {
    typed = detail.target.matches(".answer-panel") ? typedIn(detail.target) : [];
  });
  root.addEventListener("htmx:load", ({ detail }) => {
    // Added rows come with input as their initial value.
    if (detail.elt.matches("[data-schema-form]")) detail.elt.closest("[data-answer-form]")?.setAttribute("data-typed", "rows");
    const form = detail.elt.matches(".answer-panel") && detail.elt.querySelector("[data-answer-form]");
    if (!form) return;
    tell(detail.elt, typed.filter((control) => !putBack(form, control)), "This field no longer exists.");
    typed = [];
  });
}

function putBack(form, { name, type, value, checked }) {
  const again = [...form.elements].find((control) => control.name === name && control.type === type && (type !== "radio" || control.value === value));
  if (!again) return false;
  if (type === "radio" || type === "checkbox") again.checked = checked;
  else again.value = value;
  again.closest("details")?.setAttribute("open", "");
  return true;
}

function tell(shown, all, reason) {
  const typed = all.filter((control) => control.type !== "radio" || control.checked);
  if (!typed.length) return null;
  const note = make("section", { className: "typed", tabIndex: -1 });
  note.setAttribute("role", "status");
  const list = make("dl", { className: "action-args" });
  for (const control of typed) {
    const row = document.createElement("div");
    const value = make("dd", { dir: "auto" });
    value.append(make("span", { className: "argument-text", textContent: inWords(control) }));
    row.append(make("dt", { textContent: nameOf(control) }), value);
    list.append(row);
  }
  note.append(make("h2", { textContent: `${reason} You had typed:` }), list);
  shown.before(note);
  return note;
}

function inWords(control) {
  if (control.type === "checkbox") return control.checked ? "yes" : "no";
  if (control.type === "radio") return control.closest("label")?.textContent.trim() ?? control.value;
  return control.options ? control.selectedOptions[0]?.textContent.trim() : control.value;
}

function nameOf(control) {
  if (control.type === "radio") return "Chosen";
  return control.labels?.[0]?.textContent.trim() || control.ariaLabel || control.name.split("/").at(-1);
}

function make(tag, properties) {
  return Object.assign(document.createElement(tag), properties);
}
