// The thread picker: a click fills the form's thread fields instead of leaving what was typed. The chosen one stays
// marked when the list is loaded again, also by a search that was under way while it was chosen.
export function attachThreads(root) {
  root.addEventListener("click", (event) => {
    const item = event.target.closest?.("[data-thread]");
    const form = item?.closest("form") ?? document.getElementById("launch-form");
    const field = form?.elements.thread_id;
    if (!item || !field) return;
    event.preventDefault();
    field.value = item.dataset.thread;
    markThread(form);
    const existing = form.querySelector('[name="thread"][value="existing"]');
    if (existing) existing.checked = true;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });
}

/** Marks the thread that the form names in a list that was just loaded. */
export function markThreads(part) {
  const form = part.querySelector?.("[data-thread]")?.closest("form");
  if (form?.elements.thread_id) markThread(form);
}

function markThread(form) {
  for (const item of form.querySelectorAll("[data-thread]")) {
    if (item.dataset.thread === form.elements.thread_id.value.trim()) item.setAttribute("aria-current", "true");
    else item.removeAttribute("aria-current");
  }
}
