// Keys of a run's page. The runs page notes the order of its runs, so that a run's page knows which come before and after.
const KEPT = "runs-list";
const TYPED = "input, textarea, select, [contenteditable], dialog *";

export function attachRunKeys(root) {
  root.addEventListener("click", (event) => event.target.closest?.(".run-link") && note(root));
  const page = root.querySelector(".run-page");
  if (!page) return;
  const list = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
  const at = list?.runs.indexOf(location.pathname) ?? -1;
  const beside = at < 0 ? {} : { previous: list.runs[at - 1], next: list.runs[at + 1] };
  offer(root.getElementById("run-beside"), list, at, beside);
  const keys = {
    "?": () => root.getElementById("run-keys").showModal(),
    j: () => beside.next && location.assign(beside.next),
    k: () => beside.previous && location.assign(beside.previous),
    u: () => location.assign(list?.url ?? "/runs/"),
    "/": () => { choose(root, 0); page.querySelector(".state-search input")?.focus(); },
    ...Object.fromEntries([0, 1, 2, 3].map((index) => [String(index + 1), () => choose(root, index, true)])),
  };
  root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches?.(TYPED) || !(event.key in keys)) return;
    event.preventDefault();
    keys[event.key]();
  });
}

function note(root) {
  const runs = [...root.querySelectorAll("#run-rows .run-link")].map((link) => new URL(link.href).pathname);
  sessionStorage.setItem(KEPT, JSON.stringify({ url: location.pathname + location.search, runs }));
}

function choose(root, index, focus = false) {
  const tab = root.querySelectorAll(".run-page .tab-list a")[index];
  tab?.click();
  if (focus) tab?.focus();
}

/** Links to the runs before and after this one, in the list the reader came from. */
function offer(place, list, at, { previous, next }) {
  if (!place || at < 0) return;
  place.hidden = false;
  place.querySelector("[data-back]").href = list.url;
  place.querySelector("[data-place]").textContent = `${at + 1} of ${list.runs.length}`;
  for (const [name, url] of [["previous", previous], ["next", next]]) {
    const link = place.querySelector(`[data-${name}]`);
    if (url) link.href = url;
    else link.removeAttribute("href");
  }
}
