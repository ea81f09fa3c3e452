// "Tell me when it ends": a notification of the browser with what a screen reader is told, when somebody asked for it.
export function attachNotify(root) {
  const announcer = root.getElementById("announcer");
  if (!announcer || !("Notification" in window)) return;
  const state = root.documentElement.dataset;
  state.notify = "off";

  root.addEventListener("click", async ({ target }) => {
    if (!target.closest("[data-notify-me]")) return;
    if (state.notify === "on") state.notify = "off";
    else state.notify = (await Notification.requestPermission()) === "granted" ? "on" : "refused";
  });

  new MutationObserver(() => {
    if (state.notify !== "on" || !announcer.textContent) return;
    const shown = new Notification(announcer.textContent, { tag: location.pathname, icon: root.getElementById("favicon").href });
    shown.addEventListener("click", () => window.focus());
  }).observe(announcer, { childList: true, characterData: true, subtree: true });
}
