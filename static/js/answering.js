// Forms for answers: which button sends an answer now, where the first field is, and Ctrl+Enter in a field.
const FIELDS = "input:not([type=hidden]), textarea, select:not([name^='given/'])";
const TEXTS = "input:not([type=radio]):not([type=checkbox]), textarea";

export function attachAnswering(root) {
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.repeat || !event.target.matches?.(TEXTS)) return;
    const form = event.target.closest("[data-answer-form]");
    const button = form && mainAction(form, event.target);
    if (!button) return;
    event.preventDefault();
    button.click();
  });
}

/** The button that sends the visible answer: that of an open decision, else the first choice. */
export function mainAction(form, from) {
  const opened = from?.closest("details.decision") ?? form.querySelector("details.decision[open]");
  const within = opened?.querySelector(".decision-body > button[type=submit]");
  return within ?? form.querySelector("[data-first-choice]") ?? form.querySelector("button.primary[type=submit]");
}

/** The first visible field in a part; undefined without one. */
export function firstField(part) {
  return [...(part?.querySelectorAll(FIELDS) ?? [])].find((field) => !field.disabled && field.checkVisibility({ visibilityProperty: true }));
}
