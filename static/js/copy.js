// Copy buttons: `data-copy` holds the text, `data-copy-from` an address whose body is copied; `data-copy-code` copies the
// code below it.
const SAID_MS = 1600;

export function attachCopy(root) {
  root.addEventListener("click", async (event) => {
    const button = event.target.closest?.("[data-copy], [data-copy-from], [data-copy-code]");
    if (!button) return;
    const from = button.dataset.copyFrom;
    const code = "copyCode" in button.dataset ? button.closest(".code").querySelector("pre").textContent : button.dataset.copy;
    try {
      await write(from ? await fetched(from) : code);
      say(button, "copied");
    } catch {
      say(button, "failed");
    }
  });
  root.addEventListener("focusin", (event) => event.target.matches?.("[data-select]") && event.target.select());
}

async function fetched(address) {
  const found = await fetch(address);
  if (!found.ok || found.redirected) throw new Error("not fetched");  // else an error or a sign-in page is copied
  return found.text();
}

async function write(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");  // plain http on another machine has no clipboard API
  area.className = "visually-hidden";
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("not copied");
}

function say(button, outcome) {
  button.dataset.copyOutcome = outcome;
  setTimeout(() => delete button.dataset.copyOutcome, SAID_MS);
}
