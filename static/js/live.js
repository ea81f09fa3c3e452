// Keeps a page up to date: what arrives is merged part by part, or row by row on the runs page.
import { Connection } from "./socket.js";
import { fetchFragment } from "./fragment.js";
import { mergeParts } from "./merge.js";
import { rowsOf } from "./rows.js";

export function attachLive(root) {
  // The title of a page may be said to who reads it only, and not to programs that look at links.
  const facts = root.querySelector("[data-title]");
  if (facts) document.title = facts.dataset.title;
  const badge = root.querySelector("[data-live-socket]");
  if (!badge) return;
  const list = badge.dataset.live === "rows" ? rowsOf(document.getElementById("run-list")) : null;
  new Connection(badge, list ? takeList(list) : mergeParts);
}

/** What comes to the runs page: rows, or what there is to say of the workers, which a page that polls asks for itself. */
function takeList(list) {
  return (html, url) => {
    if (html.includes('id="work-notice"') || html.includes('id="inbox-count"')) mergeParts(html);
    if (url) fetchFragment("/workers/notice/").then((answer) => answer.html && mergeParts(answer.html));
    return url || html.includes('id="run-changes"') ? list.merge(html, url) : [];
  };
}
