// The launch form: one launch per click, a summary in words, and the way to what is wrong.
export function attachLaunch(part) {
  const form = part.querySelector("[data-launch]:not([data-ready])");
  if (!form) return;
  form.dataset.ready = "";
  const button = form.querySelector(".launch-submit [type=submit]");
  const value = (name) => form.elements[name]?.value?.trim() ?? "";

  form.addEventListener("submit", (event) => {
    if (event.submitter?.hasAttribute("formaction")) return;  // it only keeps what was typed
    button.disabled = true;
    button.textContent = "Launching";
  });
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    // Come back to with the Back button: the next click is meant as a new launch, not as the old one sent twice.
    button.disabled = false;
    button.textContent = "Launch run";
    form.elements.launch_key.value = newKey();
  });

  const summary = form.querySelector("[data-launch-summary]");
  const count = form.querySelector("[data-advanced-count]");
  const advanced = [...form.querySelectorAll("#advanced [name]")];
  const describe = () => {
    const given = advanced.filter((control) => control.value.trim()).length;
    count.textContent = given ? `${given} given` : "all at their defaults";
    const where = { new: "a new thread", stateless: "no thread", existing: "an existing thread" }[value("thread")] ?? "a new thread";
    const what = value("command") ? "with a command" : value("input") ? "with input" : "without input";
    const others = given - (value("command") ? 1 : 0);
    const besides = others ? ` and ${others} advanced setting${others === 1 ? "" : "s"}` : "";
    const words = [strong(value("assistant_id")), ` on ${where}, ${what}${besides}.`];
    summary.replaceChildren(...(value("assistant_id") ? words : ["Choose an assistant, or start from an example."]));
  };
  form.addEventListener("input", describe);
  describe();
  summary.hidden = false;

  for (const card of form.querySelectorAll("a.card")) {
    card.addEventListener("click", (event) => {
      const words = `Start from ${card.querySelector(".card-title").textContent}? What you typed is replaced by the example.`;
      if (holdsTyping(form) && !window.confirm(words)) event.preventDefault();
    });
  }

  for (const link of document.querySelectorAll("#error-summary [data-focus]")) {
    link.addEventListener("click", (event) => {
      const control = form.querySelector(`[name="${link.dataset.focus}"]`);
      if (!control) return;
      event.preventDefault();
      control.closest("details")?.setAttribute("open", "");
      control.focus();
    });
  }
  document.getElementById("error-summary")?.focus();
}

/** Whether a click that loads another form would lose something a person has typed or chosen. */
function holdsTyping(form) {
  const isChanged = (control) => {
    if (control.type === "hidden") return false;
    if (control.type === "radio" || control.type === "checkbox") return control.checked !== control.defaultChecked;
    if (control.options) return control.value !== ([...control.options].find((option) => option.defaultSelected) ?? control.options[0])?.value;
    return control.value !== control.defaultValue;
  };
  return "typed" in form.dataset || [...form.elements].some((control) => control.name && isChanged(control));
}

function strong(words) {
  const element = document.createElement("strong");
  element.textContent = words;
  return element;
}

function newKey() {
  // crypto.randomUUID is missing on plain http from another machine.
  return crypto.randomUUID?.() ?? "10000000-1000-4000-8000-100000000000".replace(/[018]/g, (digit) =>
    (Number(digit) ^ (crypto.getRandomValues(new Uint8Array(1))[0] & (15 >> (Number(digit) / 4)))).toString(16));
}
