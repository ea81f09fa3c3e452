// <details data-menu> as a menu: closes on Escape, on a click elsewhere and when the focus leaves. Opens by its own.
// A link in it may lead to another part of the same page: it closes the menu, too.
export function attachMenus(root) {
  const open = () => root.querySelectorAll("details[data-menu][open]");
  const close = (menu) => menu.removeAttribute("open");

  const stays = (menu, target) => menu.contains(target) && !target.closest("a.menu-item");
  root.addEventListener("click", (event) => open().forEach((menu) => stays(menu, event.target) || close(menu)));
  root.addEventListener("focusin", (event) => open().forEach((menu) => menu.contains(event.target) || close(menu)));
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of open()) {
      if (menu.contains(root.activeElement)) menu.querySelector("summary").focus();
      close(menu);
    }
  });
  // By the address and not by :target, which browsers may set only after the page has loaded.
  const openNamed = () => {
    const named = root.getElementById(location.hash.slice(1));
    if (named?.matches("details[data-menu]")) named.open = true;
  };
  window.addEventListener("hashchange", openNamed);
  openNamed();
}
