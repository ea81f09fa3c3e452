// Merges rows into the runs page. Changed rows change in place; new ones wait behind a button while the reader's
// pointer, focus or scroll position is in the table, so that nothing moves under their hand.
import { replaceIfNewer } from "./merge.js";

export function rowsOf(list) {
  const table = list.querySelector("table");
  const body = table.tBodies[0];
  const button = list.querySelector(".new-runs");
  const onlyUpdates = "onlyUpdates" in table.dataset;
  const held = new Map();

  const isInUse = () =>
    held.size > 0 || table.matches(":hover") || table.contains(document.activeElement) || table.getBoundingClientRect().top < 0;
  const created = (row) => Number(row.dataset.created);
  const comesBefore = (row, other) => created(row) > created(other) || (created(row) === created(other) && row.id > other.id);

  function insert(row) {
    const next = [...body.rows].find((other) => !other.dataset.version || comesBefore(row, other));
    body.insertBefore(row, next ?? null);
    window.htmx.process(row);
  }

  function take(row, isOutside) {
    const shown = document.getElementById(row.id);
    if (shown) {
      row.toggleAttribute("data-outside", isOutside);
      const picked = shown.querySelector("input[name=ids]")?.checked;
      replaceIfNewer(shown, row);
      if (picked) document.getElementById(row.id).querySelector("input[name=ids]").checked = true;
    } else if (isOutside) held.delete(row.id);
    else if (held.has(row.id)) held.set(row.id, row);
    else if (onlyUpdates) return;
    else if (isInUse()) held.set(row.id, row);
    else insert(row);
  }

  /** Rows that should be between two times and are missing: they no longer match the filters, or are gone. */
  function dropMissing(rows, from, to) {
    const there = new Set(rows.map((row) => row.id));
    for (const row of [...body.rows]) {
      if (!row.dataset.version || there.has(row.id) || created(row) < from || created(row) >= to) continue;
      if (isInUse()) row.setAttribute("data-outside", "");
      else row.remove();
    }
  }

  function count() {
    button.hidden = held.size === 0;
    button.textContent = `${held.size} new ${held.size === 1 ? "run" : "runs"} – show`;
  }

  const goesOn = (row) => "active" in row.dataset;

  /** The address of the rows below one. */
  function below(row) {
    const url = new URL(location.href);
    url.searchParams.set("before", row.dataset.cursor);
    return url.pathname + url.search;
  }

  /** Merges rows. Returns the addresses of others that may have changed unnoticed: a first page does not cover those below. */
  function merge(html, url) {
    const parts = document.createElement("template");
    parts.innerHTML = html;
    const changes = parts.content.getElementById("run-changes");
    const isPartial = changes ? "partial" in changes.dataset : parts.content.getElementById("older-row") !== null;
    const rows = [...parts.content.querySelectorAll("tr[data-version]")];
    const before = url ? new URL(url, location.href).searchParams.get("before") : null;
    rows.forEach((row) => take(row, changes !== null && "outside" in changes.dataset));
    const isWhole = !changes || ("snapshot" in changes.dataset && !onlyUpdates);
    if (isWhole) dropMissing(rows, isPartial ? created(rows.at(-1)) : 0, before ? Date.parse(before.split("~")[0]) / 1000 : Infinity);
    count();
    if (changes && "snapshot" in changes.dataset && onlyUpdates) return [location.pathname + location.search];
    const last = isWhole && isPartial ? rows.at(-1) : null;
    return last && [...body.rows].some((row) => row.dataset.version && comesBefore(last, row) && goesOn(row)) ? [below(last)] : [];
  }

  button.addEventListener("click", (event) => {
    for (const gone of body.querySelectorAll("tr[data-outside]")) gone.remove();
    const rows = [...held.values()];
    held.clear();
    rows.forEach(insert);
    count();
    table.scrollIntoView({ block: "nearest" });
    if (table.getBoundingClientRect().top < 0) window.scrollTo({ top: 0 });
    if (event.detail === 0) body.querySelector(".run-link")?.focus({ preventScroll: true });  // pressed with a key
  });

  // Older rows: the focus moves from the removed button to the first of them.
  let isLoading = false;
  body.addEventListener("htmx:beforeRequest", () => { isLoading = true; });
  body.addEventListener("htmx:load", (event) => {
    if (isLoading) event.target.querySelector?.(".run-link")?.focus();
    isLoading = false;
  });
  return { merge };
}
