// The picker of assistants: a text with a list below it, searched as one types. Without it the browser's own list helps.
import { address, recall } from "./picked_before.js";

const { htmx } = window;

export function attachPicker(part) {
  const picker = part.querySelector("[data-picker]");
  if (!picker || "ready" in picker.dataset) return;
  picker.dataset.ready = "";
  const input = picker.querySelector("#id_assistant_id");
  const list = picker.querySelector("[role=listbox]");
  const options = [...list.querySelectorAll("[role=option]")];
  if (!options.length) return;
  input.removeAttribute("list");
  for (const [name, value] of Object.entries({ role: "combobox", "aria-expanded": "false", "aria-controls": list.id, "aria-autocomplete": "list" })) {
    input.setAttribute(name, value);
  }
  let active = null;
  let loaded = input.value;

  const shown = () => [...list.children].filter((option) => !option.hidden);
  const activate = (option) => {
    active?.classList.remove("is-active");
    active = option ?? null;
    active?.classList.add("is-active");
    active?.scrollIntoView({ block: "nearest" });
    if (active) input.setAttribute("aria-activedescendant", active.id);
    else input.removeAttribute("aria-activedescendant");
  };
  const open = (words) => {
    for (const option of options) option.hidden = !words.every((word) => option.dataset.search.includes(word));
    // The sort is stable: among equal matches, the last used comes first.
    const ranks = new Map(options.map((option) => [option, words.length ? rank(option.dataset, words) : 0]));
    list.append(...[...options].sort((one, other) => ranks.get(one) - ranks.get(other)));
    list.hidden = !shown().length;
    input.setAttribute("aria-expanded", String(!list.hidden));
  };
  const close = () => {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    activate(null);
  };
  /** Fetch the form of the current choice, with the input of the old one. */
  const load = () => {
    close();
    if (input.value === loaded) return;
    const values = { ...recall(input.form, loaded, input.value), do: "assistant" };
    loaded = input.value;
    htmx.ajax("POST", picker.dataset.url, { source: input, target: "#launch-form", swap: "outerHTML", values })
      .then(() => address(input.value));
  };
  const choose = (option) => {
    input.value = option.dataset.value;
    load();
  };

  input.addEventListener("input", () => { open(input.value.toLowerCase().split(/\s+/).filter(Boolean)); activate(null); });
  input.addEventListener("click", () => open([]));
  input.addEventListener("change", load);
  input.addEventListener("blur", () => setTimeout(close, 0));
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) open([]);
      const now = shown();
      const step = event.key === "ArrowDown" ? 1 : -1;
      activate(now[(now.indexOf(active) + step + now.length) % now.length] ?? now[0]);
    } else if (event.key === "Enter" && !event.ctrlKey && !list.hidden) {
      event.preventDefault();
      choose(active ?? shown()[0]);
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      close();
    }
  });
  // Not "click": the field would lose the focus first, and the list go.
  list.addEventListener("mousedown", (event) => {
    const option = event.target.closest("[role=option]");
    event.preventDefault();
    if (option) choose(option);
  });
}

/** How well an option matches, 0 best: its exact name, the beginning of it, words of it, its graph, its description. */
function rank({ name, graph }, words) {
  const text = words.join(" ");
  if (name === text) return 0;
  if (name.startsWith(text)) return 1;
  const parts = name.split(/[^\p{L}\p{N}]+/u);
  if (words.every((word) => parts.some((part) => part.startsWith(word)))) return 2;
  if (words.every((word) => name.includes(word))) return 3;
  return words.every((word) => name.includes(word) || graph.includes(word)) ? 4 : 5;
}
