// Turns a list of links to sections into tabs. Without this module the sections stand one below the other.
export function attachTabs(part) {
  for (const tabs of part.querySelectorAll("[data-tabs]:not([data-ready])")) makeTabs(tabs);
}

/** The browser has scrolled to the section's earlier place; a reloaded page stays where it was. */
function startAtTop() {
  const top = () => window.scrollTo(0, 0);
  if (performance.getEntriesByType("navigation")[0]?.type !== "navigate") return;
  if (document.readyState === "complete") top();
  else window.addEventListener("load", () => requestAnimationFrame(top), { once: true });
}

function makeTabs(root) {
  const links = [...root.querySelectorAll(".tab-list a")];
  const panels = links.map((link) => root.querySelector(link.hash));
  root.querySelector(".tab-list").setAttribute("role", "tablist");

  const choose = (index, { focus = false, write = true } = {}) => {
    links.forEach((link, at) => {
      link.setAttribute("aria-selected", String(at === index));
      link.tabIndex = at === index ? 0 : -1;
      panels[at].hidden = at !== index;
    });
    if (focus) links[index].focus();
    if (write) history.replaceState(history.state, "", links[index].hash);
  };

  links.forEach((link, index) => {
    link.id = `tab-${link.hash.slice(1)}`;
    link.setAttribute("role", "tab");
    link.setAttribute("aria-controls", link.hash.slice(1));
    panels[index].setAttribute("role", "tabpanel");
    panels[index].setAttribute("aria-labelledby", link.id);
    link.addEventListener("click", (event) => { event.preventDefault(); choose(index); });
    link.addEventListener("keydown", (event) => {
      const steps = { ArrowLeft: index - 1, ArrowRight: index + 1, Home: 0, End: links.length - 1 };
      if (event.key === " ") choose(index);
      else if (event.key in steps) choose((steps[event.key] + links.length) % links.length, { focus: true });
      else return;
      event.preventDefault();
    });
  });

  const fromAddress = () => Math.max(0, links.findIndex((link) => link.hash === location.hash));
  window.addEventListener("hashchange", () => links.some((link) => link.hash === location.hash) && choose(fromAddress()));
  choose(fromAddress(), { write: false });
  root.dataset.ready = "";
  if (links.some((link) => link.hash === location.hash)) startAtTop();
}
