// Keeps a page up to date: what arrives on its line is merged part by part, or row by row on the runs page.
import { Line } from "./line.js";
import { mergeParts } from "./merge.js";
import { rowsOf } from "./rows.js";

export function attachLive(root) {
  const badge = root.querySelector("[data-live][ws-connect]");
  if (!badge) return;
  const list = badge.dataset.live === "rows" ? rowsOf(document.getElementById("run-list")) : null;
  new Line(badge, list ? list.merge : mergeParts, list ? list.stalePages : () => []);
}
