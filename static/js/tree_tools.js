// Buttons for the place of a tree at which the reader is.
/** Buttons that copy a place's path and value, for the one place that the reader is at. */
export function offerTools(item) {
  if (!("pointer" in item.dataset || "at" in item.dataset) || item.querySelector(":scope > .tree-tools")) return;
  document.querySelector(".tree-tools")?.remove();
  const tools = document.createElement("span");
  tools.className = "tree-tools";
  const state = item.closest("[data-state]")?.dataset.state;
  const { pointer, at } = item.dataset;
  if (pointer !== undefined) tools.append(button("Copy path", { copy: pointer }));
  const place = pointer === undefined ? `at=${at}` : `path=${encodeURIComponent(pointer)}`;
  if (state) tools.append(button("Copy value", { copyFrom: `${state}?${place}&as=value` }));
  const group = item.querySelector(':scope > [role="group"]');
  item.insertBefore(tools, group);
}

function button(words, data) {
  const made = document.createElement("button");
  Object.assign(made, { type: "button", textContent: words, tabIndex: -1 });
  Object.assign(made.dataset, data);
  return made;
}
