// Choosing runs: how many are chosen, all on the page at once, a range with Shift.
export function attachPicking(root) {
  // Tags for all that match: who types some wants to change tags.
  root.querySelector(".bulk-all-form")?.addEventListener("input", ({ target, currentTarget }) => {
    if (target.matches("[name=add], [name=remove]")) currentTarget.querySelector("[value=tag]").checked = true;
  });
  const bar = root.querySelector("#bulk");
  const table = root.querySelector("#run-table");
  if (!bar || !table) return;
  const boxes = () => [...table.querySelectorAll("input[name=ids]")];
  const every = table.querySelector("[data-pick-all]");
  let last = null;

  function count() {
    const chosen = boxes().filter((box) => box.checked).length;
    bar.querySelector("[data-bulk-count]").textContent = `${chosen} chosen`;
    bar.querySelector("[data-compare]").disabled = chosen < 2 || chosen > 5;
    if (every) Object.assign(every, { checked: chosen > 0 && chosen === boxes().length, indeterminate: chosen > 0 && chosen < boxes().length });
  }

  table.addEventListener("click", (event) => {
    const box = event.target.closest("input[name=ids]");
    if (!box) return;
    if (event.shiftKey && last?.isConnected) {
      const all = boxes();
      const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((a, b) => a - b);
      for (const between of all.slice(from, to + 1)) between.checked = box.checked;
    }
    last = box;
    count();
  });
  every?.addEventListener("change", () => {
    for (const box of boxes()) box.checked = every.checked;
    count();
  });
  table.addEventListener("change", count);
  // Enter in a menu's field presses the button of that menu, and not the first one of the bar.
  bar.addEventListener("keydown", (event) => {
    const menu = event.target.matches("input") && event.target.closest(".menu-panel");
    if (event.key !== "Enter" || !menu) return;
    event.preventDefault();
    menu.querySelector("button").click();
  });
  window.addEventListener("pageshow", count);
}
