// The launch form: one launch per click, a summary in words, and links to errors.
import { holdsTyping, summarize } from "./launch_summary.js";

export function attachLaunch(part) {
  const form = part.matches?.("[data-launch]") ? part : part.querySelector("[data-launch]");
  if (!form || "ready" in form.dataset) return;
  form.dataset.ready = "";
  const button = form.querySelector("[data-launch-button]");
  const words = button.innerHTML;
  form.enctype = "application/x-www-form-urlencoded";  // files are texts by now: schema_forms.js reads them

  form.addEventListener("submit", ({ submitter }) => {
    if (submitter?.name === "do" || submitter?.formAction !== form.action) return;
    button.disabled = true;
    button.textContent = "Launching";
  });
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    // After the Back button, the next click is a new launch, not the old one sent twice.
    button.disabled = false;
    button.innerHTML = words;
    form.elements.launch_key.value = newKey();
  });
  // From anywhere on the page, for as long as this form is on it: another assistant brings another form.
  document.addEventListener("keydown", function launchByKey(event) {
    if (!form.isConnected) return document.removeEventListener("keydown", launchByKey);
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.defaultPrevented) {
      event.preventDefault();
      if (!button.disabled) form.requestSubmit(button);
    }
  });

  const describe = () => summarize(form);
  form.addEventListener("input", describe);
  form.addEventListener("change", describe);
  describe();
  form.querySelector("[data-launch-summary]").hidden = false;
  const zone = form.querySelector("[data-own-zone]");
  if (zone) zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "UTC";

  form.addEventListener("click", (event) => {
    const card = event.target.closest("a.card");
    const question = `Start from ${card?.querySelector(".card-title").textContent.trim()}? What you typed is replaced.`;
    if (card && holdsTyping(form) && !window.confirm(question)) event.preventDefault();
    const link = event.target.closest(".error-summary [data-focus], .warning-summary [data-focus]");
    if (link && goTo(form, link.dataset.focus)) event.preventDefault();
  });
  document.querySelector("#error-summary, #warning-summary")?.focus();
}

/** Open what hides the control, or the field, of that name, and put the cursor there. */
function goTo(form, name) {
  const field = document.getElementById(`id_${name}_field`) ?? document.getElementById(`field-${name}`);
  const named = [...form.elements].find((control) => control.name === name && control.type !== "hidden");
  const control = named ?? field?.querySelector("input:not([type=hidden]), select, textarea, button");
  for (let fold = control?.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  control?.focus();
  return Boolean(control);
}

function newKey() {
  // crypto.randomUUID is missing on plain http from another machine.
  return crypto.randomUUID?.() ?? "10000000-1000-4000-8000-100000000000".replace(/[018]/g, (digit) =>
    (Number(digit) ^ (crypto.getRandomValues(new Uint8Array(1))[0] & (15 >> (Number(digit) / 4)))).toString(16));
}
