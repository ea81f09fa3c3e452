// Keys of the runs page: j and k go through the rows, x chooses one, n launches, / searches, ? shows these. Enter is the link's own.
export function attachKeys(root) {
  const table = root.querySelector("#run-table");
  if (!table) return;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]")) return;
    const links = [...table.querySelectorAll(".run-link")];
    const here = links.indexOf(document.activeElement.closest(".run-row")?.querySelector(".run-link"));
    const acts = {
      j: () => links[Math.min(here + 1, links.length - 1)]?.focus(),
      k: () => links[Math.max(here - 1, 0)]?.focus(),
      x: () => links[here]?.closest(".run-row").querySelector("input[name=ids]")?.click(),
      n: () => document.querySelector("[data-launch]")?.click(),
      "/": () => document.querySelector("[data-search]")?.focus(),
      "?": () => document.getElementById("list-keys").showModal(),
    };
    if (!acts[event.key]) return;
    event.preventDefault();
    acts[event.key]();
  });
}
