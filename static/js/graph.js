// A graph larger than its box scrolls to the node that matters: the one that runs, waits or has failed.
const WANTED = ["running", "failed", "waiting"].map((status) => `[data-node-status="${status}"]`).join(", ");

/** Graphs appear once their tab is chosen, so each scrolls when it first has a size. */
export function attachGraphs(part) {
  for (const box of part.querySelectorAll(".graph-box:not([data-placed])")) {
    const seen = new ResizeObserver(() => box.clientHeight && (place(box), seen.disconnect()));
    seen.observe(box);
  }
}

function place(box) {
  box.dataset.placed = "";
  const node = box.querySelector(WANTED);
  if (!node || box.scrollTop || box.scrollLeft) return;
  const [here, there] = [box.getBoundingClientRect(), node.getBoundingClientRect()];
  box.scrollTo(there.left - here.left - (here.width - there.width) / 2, there.top - here.top - (here.height - there.height) / 2);
}
