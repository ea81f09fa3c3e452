// A share page that is final closes when its link ends: a socket that brings nothing else.
const LONGEST_DELAY_MS = 60000;
const GONE = 4404;

export function closeWithLink(badge, tries = 0) {
  if (!badge.dataset.liveEnd) return;
  const url = new URL(badge.dataset.liveEnd, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  const socket = new WebSocket(url.href);
  let worked = false;  // a page whose socket never opened is not reloaded, which would count as another view
  socket.onmessage = () => { worked = true; };
  socket.onclose = ({ code }) => {
    if (code === GONE) return void (worked && location.reload());
    const delay = Math.min(LONGEST_DELAY_MS, 500 * 2 ** (worked ? 0 : tries)) * (0.5 + Math.random() / 2);
    setTimeout(() => closeWithLink(badge, worked ? 1 : tries + 1), delay);
  };
}
