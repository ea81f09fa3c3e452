// Drafts: a launch survives a closed tab, in this browser, until it is sent, for seven days. Never kept are
// headers, and documents that look as if they held a secret.
import { holdsTyping } from "./launch_summary.js";

const { htmx } = window;
const NEVER = /^(csrfmiddlewaretoken|launch_key|parent|headers|do|upload\/.*)$/;
const SECRET = /(api[-_]?key|access[-_]?token|bearer|secret|passw|authorization)/i;
const SETTLE_MS = 500;
const MOST_CHARS = 500_000;
const KEPT_MS = 7 * 86_400_000;

export function attachDraft(part) {
  const form = part.matches?.("[data-launch]") ? part : part.querySelector("[data-launch]");
  const note = form?.querySelector("[data-draft]");
  if (!note || "keeps" in form.dataset) return;
  form.dataset.keeps = "";
  const key = `runboard launch ${form.dataset.person}`;
  let timer = 0;
  const keep = () => {
    if (!holdsTyping(form)) return;
    const fields = [...new FormData(form)].filter(([name, value]) =>
      typeof value === "string" && !NEVER.test(name) && !SECRET.test(name) && !SECRET.test(value));
    const text = JSON.stringify({ at: Date.now(), fields });
    if (text.length <= MOST_CHARS) store((storage) => storage.setItem(key, text));
  };
  const later = () => { clearTimeout(timer); timer = setTimeout(keep, SETTLE_MS); };
  form.addEventListener("input", later);
  form.addEventListener("change", later);
  form.addEventListener("submit", ({ submitter }) => {
    if (submitter?.name === "do") return;
    clearTimeout(timer);
    store((storage) => storage.removeItem(key));
  });

  const draft = JSON.parse(store((storage) => storage.getItem(key)) ?? "null");
  if (!draft || Date.now() - draft.at > KEPT_MS || isFilled() || "typed" in form.dataset) return;
  note.hidden = false;
  note.querySelector("[data-draft-restore]").addEventListener("click", () => {
    const values = { ...Object.fromEntries(draft.fields), launch_key: form.elements.launch_key.value, do: "restore" };
    htmx.ajax("POST", note.dataset.url, { source: document.body, target: "#launch-form", swap: "outerHTML", values });
  });
  note.querySelector("[data-draft-discard]").addEventListener("click", () => {
    store((storage) => storage.removeItem(key));
    note.hidden = true;
  });
}

/** Whether the address fills in more than the assistant. */
function isFilled() {
  return [...new URLSearchParams(location.search).keys()].some((name) => name !== "assistant_id" && name !== "server");
}

/** Browsers may forbid storage. */
function store(use) {
  try {
    return use(window.localStorage);
  } catch {
    return null;
  }
}
