// The thread picker: a click fills the form's thread fields instead of leaving what was typed.
export function attachThreads(root) {
  root.addEventListener("click", (event) => {
    const item = event.target.closest?.("[data-thread]");
    const form = item?.closest("form") ?? document.getElementById("launch-form");
    const field = form?.elements.thread_id;
    if (!item || !field) return;
    event.preventDefault();
    field.value = item.dataset.thread;
    for (const other of form.querySelectorAll("[data-thread]")) other.removeAttribute("aria-current");
    item.setAttribute("aria-current", "true");
    const existing = form.querySelector('[name="thread"][value="existing"]');
    if (existing) existing.checked = true;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });
}
