// Filters apply as soon as they are chosen. Without this module the Filter button does it.
export function attachFilters(part) {
  for (const form of part.querySelectorAll("[data-filters]:not([data-ready])")) {
    form.dataset.ready = "";
    form.addEventListener("change", (event) => event.target.matches("select") && form.requestSubmit());
    form.querySelector("[data-filter-toggle]").addEventListener("click", ({ currentTarget }) => {
      const isOpen = form.toggleAttribute("data-open");
      currentTarget.setAttribute("aria-expanded", isOpen);
    });
    form.addEventListener("input", ({ target }) => !form.dataset.changed && target.closest(".more-panel") && (form.dataset.changed = "more"));
    form.querySelector(".more-filters")?.addEventListener("toggle", ({ target }) => !target.open && form.dataset.changed && form.requestSubmit());
    form.querySelector("#known-paths")?.closest("details").addEventListener("toggle", suggestPaths, { once: true });
    // Several statuses can be ticked before the menu closes and they apply.
    const statuses = form.querySelector("details");
    const ticked = () => [...statuses.querySelectorAll("input:checked")].map((box) => box.value).join();
    const before = statuses && ticked();
    statuses?.addEventListener("toggle", () => !statuses.open && ticked() !== before && form.requestSubmit());
    // After the Back button, browsers restore earlier choices, which differ from what the page shows.
    window.addEventListener("pageshow", ({ persisted }) => (persisted || wentBack()) && form.reset());
    form.addEventListener("formdata", (event) => {
      for (const [name, value] of [...event.formData]) if (!value) event.formData.delete(name);
    });
  }
}

/** Suggests the fields that the last runs have, once somebody looks for a value. */
async function suggestPaths({ target }) {
  const answer = await fetch("/views/columns/", { headers: { Accept: "application/json" } });
  if (!answer.ok) return;
  for (const path of (await answer.json()).suggested) target.querySelector("#known-paths").append(new Option("", path));
}

function wentBack() {
  return performance.getEntriesByType("navigation")[0]?.type === "back_forward";
}
