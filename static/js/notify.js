// Notifications of the browser. The choices are kept in this browser, like its permission: "yes" or nothing.
export const OF_QUESTIONS = "runboard-notify";
const OF_ENDS = "runboard-notify-ends";

export const wants = (which) => Boolean(localStorage[which]) && Notification.permission === "granted";

// The choices on the profile.
export function attachNotifyChoices(root) {
  const choices = root.querySelector("[data-notify-choices]");
  if (!choices || !("Notification" in window)) return;
  const boxes = [[choices.querySelector("[name=questions]"), OF_QUESTIONS], [choices.querySelector("[name=ends]"), OF_ENDS]];
  const show = () => {
    for (const [box, which] of boxes) box.checked = wants(which);
    choices.querySelector("[role=status]").hidden = Notification.permission !== "denied";
  };
  for (const [box, which] of boxes) {
    box.addEventListener("change", async () => {
      if (!box.checked) delete localStorage[which];
      else if ((await Notification.requestPermission()) === "granted") localStorage[which] = "yes";
      show();
    });
  }
  choices.hidden = false;
  show();
}

// "Tell me when it ends": a browser notification with the announcement for screen readers, on request.
export function attachNotify(root) {
  const announcer = root.getElementById("announcer");
  if (!announcer || !("Notification" in window)) return;
  const state = root.documentElement.dataset;
  state.notify = wants(OF_ENDS) ? "on" : "off";

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
