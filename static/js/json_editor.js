// A text area for JSON: numbered lines, the bracket that belongs to the one at the cursor, and Tab that indents where
// a line begins; everywhere else, and after Escape, Tab leaves the field as always. The text stays a text area's own.
const PAIRS = { "{": "}", "[": "]" };
const OPENS = { "}": "{", "]": "[" };
const FAR = 200_000;
const IN_SIGHT = 60;

export function attachJsonEditors(part) {
  for (const editor of part.querySelectorAll("[data-json-editor]:not([data-ready])")) attach(editor);
}

function attach(editor) {
  editor.dataset.ready = "";
  const area = editor.querySelector("textarea");
  const gutter = document.createElement("div");
  gutter.className = "json-lines";
  gutter.setAttribute("aria-hidden", "true");
  editor.prepend(gutter);
  let lines = 0;
  // Only the numbers in sight: of a long text, all would take longer to lay out than the text itself.
  const draw = (top) => {
    const height = top ? parseFloat(getComputedStyle(area).lineHeight) : 1;
    const first = Math.floor(top / height);
    const shown = Math.min(lines - first, IN_SIGHT);
    gutter.textContent = `${Array.from({ length: shown }, (_, at) => first + at + 1).join("\n")}\n\n`;
    if (top) gutter.scrollTop = top - first * height;
  };
  const number = (top) => {
    lines = area.value.split("\n").length;
    draw(top);
  };
  area.addEventListener("input", () => number(area.scrollTop));
  area.addEventListener("scroll", () => draw(area.scrollTop));
  number(0);

  let leaves = false;
  area.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { leaves = true; return; }
    if (event.key === "Tab" && !event.shiftKey && !leaves && isAtIndent(area)) {
      event.preventDefault();
      // execCommand keeps the browser's own undo.
      document.execCommand("insertText", false, "  ");
    } else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) {
      const start = area.value.lastIndexOf("\n", area.selectionStart - 1) + 1;
      const indent = /^[ \t]*/.exec(area.value.slice(start, area.selectionStart))[0];
      const deeper = PAIRS[area.value[area.selectionStart - 1]] ? "  " : "";
      if (indent || deeper) {
        event.preventDefault();
        document.execCommand("insertText", false, `\n${indent}${deeper}`);
      }
    }
    if (event.key !== "Shift") leaves = false;
  });
  area.addEventListener("blur", () => { leaves = false; });

  const match = document.createElement("span");
  match.className = "json-match";
  editor.append(match);
  document.addEventListener("selectionchange", () => {
    if (document.activeElement !== area) return;
    const at = area.selectionStart;
    const other = area.selectionEnd === at ? (matching(area.value, at - 1) ?? matching(area.value, at)) : null;
    match.textContent = other === null ? "" : `Pairs with line ${area.value.slice(0, other).split("\n").length}`;
  });
}

/** Whether only white space stands before the cursor on its line, which is not the first. */
function isAtIndent({ value, selectionStart }) {
  const start = value.lastIndexOf("\n", selectionStart - 1) + 1;
  return start > 0 && !value.slice(start, selectionStart).trim();
}

/** The place of the bracket that matches the one at `at`; null without one. Brackets inside strings do not count. */
export function matching(text, at) {
  const open = OPENS[text[at]] ? -1 : PAIRS[text[at]] ? 1 : 0;
  if (!open || text.length > FAR) return null;
  const stack = [];
  for (let i = 0, quoted = false; i < text.length; i += 1) {
    const letter = text[i];
    if (quoted) {
      if (letter === "\\") i += 1;
      else if (letter === '"') quoted = false;
    } else if (letter === '"') quoted = true;
    else if (PAIRS[letter]) stack.push(i);
    else if (OPENS[letter]) {
      const start = stack.pop();
      if (start === undefined || PAIRS[text[start]] !== letter) return null;
      if (i === at) return start;
      if (start === at) return i;
    }
  }
  return null;
}
