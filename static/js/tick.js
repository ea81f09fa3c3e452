// The page's only timer: running durations, "in 12 s" and "3 min ago". Uses the words of the template tags.
const UNITS = [[86400, "d", "h", 3600], [3600, "h", "m", 60], [60, "m", "s", 1]];
const AGO = [["min", 60, 3600], ["h", 3600, 86400], ["d", 86400, 30 * 86400]];

export function startTicking(root) {
  const server = Date.parse(root.querySelector('meta[name="server-time"]')?.content);
  const skew = Number.isNaN(server) ? 0 : server - Date.now();  // clocks differ; durations use the server's
  const tick = () => {
    if (root.hidden) return;
    const now = Date.now() + skew;
    for (const span of root.querySelectorAll("[data-since]")) write(span, duration((now - Date.parse(span.dataset.since)) / 1000));
    for (const time of root.querySelectorAll("time[data-until]")) write(time, until((Date.parse(time.dateTime) - now) / 1000));
    for (const part of root.querySelectorAll("[data-from]")) part.hidden = Date.parse(part.dataset.from) > now;
    for (const part of root.querySelectorAll("[data-upto]")) part.hidden = Date.parse(part.dataset.upto) <= now;
    for (const time of root.querySelectorAll("time[data-ago]")) write(time, ago((now - Date.parse(time.dateTime)) / 1000));
    for (const time of root.querySelectorAll("time[data-how-long]")) write(time, howLong((now - Date.parse(time.dateTime)) / 1000));
    for (const axis of root.querySelectorAll("[data-axis-since]")) stretch(axis, (now - Date.parse(axis.dataset.axisSince)) / 1000);
  };
  setInterval(tick, 1000);
  root.addEventListener("visibilitychange", tick);
}

/** The axis of a run's steps ends now: with every second the bars that have ended take less of it. */
function stretch(axis, seconds) {
  const by = axis.dataset.axisS / seconds;
  if (!(by < 1)) return;
  axis.dataset.axisS = seconds;
  for (const bar of axis.querySelectorAll("rect")) {
    const [x, width] = ["x", "width"].map((name) => parseFloat(bar.getAttribute(name)) * by);
    bar.setAttribute("x", `${x}%`);
    bar.setAttribute("width", `${bar.matches(".bar-running") ? 100 - x : Math.max(0.6, width)}%`);
  }
}

function write(element, words) {
  if (words !== null && element.textContent !== words) element.textContent = words;
}

export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  for (const [length, large, small, part] of UNITS) {
    if (whole >= length) return `${Math.floor(whole / length)} ${large} ${String(Math.floor((whole % length) / part)).padStart(2, "0")} ${small}`;
  }
  return `${whole} s`;
}

export function until(seconds) {
  return seconds >= 1 ? `in ${duration(seconds)}` : "now";
}

export function ago(seconds) {
  if (seconds < -60) return null;
  if (seconds < 60) return "just now";
  for (const [unit, length, upTo] of AGO) if (seconds < upTo) return `${Math.floor(seconds / length)} ${unit} ago`;
  return null;  // a date stands there already
}

export function howLong(seconds) {
  const words = ago(seconds);
  return words && (words === "just now" ? "for less than a minute" : `for ${words.replace(" ago", "")}`);
}
