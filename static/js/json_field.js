// JSON text areas: say while typing whether it is JSON, and set it out in lines on request. The server decides.
const SETTLE_MS = 300;

export function attachJsonFields(part) {
  for (const tools of part.querySelectorAll("[data-json-tools][hidden]")) {
    const area = tools.closest(".field").querySelector("textarea");
    const hint = tools.querySelector("[data-json-hint]");
    const button = tools.querySelector("[data-json-format]");
    let timer = 0;
    const check = () => {
      const problem = area.value.trim() ? problemOf(area.value) : "";
      hint.textContent = problem ?? "Valid JSON";
      hint.dataset.tone = problem ? "attention" : "neutral";
      button.hidden = problem !== null;
    };
    area.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(check, SETTLE_MS); });
    button.addEventListener("click", () => {
      area.value = laidOut(area.value);
      area.dispatchEvent(new Event("input", { bubbles: true }));
    });
    tools.hidden = false;
    check();
  }
}

/** Where the text is no longer JSON, in words; null when all of it is. */
function problemOf(text) {
  try {
    JSON.parse(text);
    return null;
  } catch (error) {
    const position = Number(/position (\d+)/.exec(error.message)?.[1] ?? text.length);
    const before = text.slice(0, position).split("\n");
    return `Not yet JSON: line ${before.length}, column ${before.at(-1).length + 1}`;
  }
}

/** The same JSON, in lines. Works on the text: parsing and writing it again would change large numbers. */
export function laidOut(text) {
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g) ?? [];
  let out = "";
  let depth = 0;
  const line = () => `\n${"  ".repeat(depth)}`;
  tokens.forEach((token, at) => {
    const isEmpty = /[}\]]/.test(tokens[at + 1] ?? "") && tokens[at + 1].length === 1;
    if (/^[{[]$/.test(token)) { depth += 1; out += isEmpty ? token : token + line(); }
    else if (/^[}\]]$/.test(token)) { depth -= 1; out += /^[{[]$/.test(tokens[at - 1]) ? token : line() + token; }
    else if (token === ",") out += token + line();
    else if (token === ":") out += ": ";
    else out += token;
  });
  return out;
}
