"use strict";
// The page is whole without this. It adds sorting, filtering and links that open what they point at.
(() => {
  const table = document.querySelector(".rows");
  if (!table) return;
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const tools = document.querySelector(".tools");
  const search = tools.querySelector("input");
  const shown = tools.querySelector("output");
  const risks = Array.from(tools.querySelectorAll("button[data-risk]"));
  const unfold = tools.querySelector("button[data-unfold]");
  const folds = rows.map((row) => row.querySelector("details"));
  const texts = rows.map((row) => row.textContent.toLowerCase());
  tools.hidden = false;

  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const off = new Set(risks.filter((one) => one.getAttribute("aria-pressed") === "false").map((one) => one.dataset.risk));
    let number = 0;
    rows.forEach((row, index) => {
      row.hidden = off.has(row.dataset.risk) || !words.every((word) => texts[index].includes(word));
      number += row.hidden ? 0 : 1;
    });
    shown.textContent = number === rows.length ? `all ${number} shown` : `${number} of ${rows.length} shown`;
  };
  search.addEventListener("input", filter);
  for (const one of risks) {
    one.addEventListener("click", () => {
      one.setAttribute("aria-pressed", String(one.getAttribute("aria-pressed") === "false"));
      filter();
    });
  }

  // A cell says with data-key what it is sorted by; numbers (of risk) go from high to low first.
  const sort = (head) => {
    const column = head.cellIndex;
    const numeric = head.dataset.sort === "number";
    const first = numeric ? "descending" : "ascending";
    const other = numeric ? "ascending" : "descending";
    const order = head.getAttribute("aria-sort") === first ? other : first;
    for (const one of table.tHead.rows[0].cells) one.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", order);
    const sign = order === "ascending" ? 1 : -1;
    const key = (row) => row.cells[column].dataset.key;
    const compare = numeric ? (a, b) => key(a) - key(b) : (a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0);
    body.append(...rows.slice().sort((a, b) => sign * compare(a, b)));
  };
  for (const head of table.tHead.rows[0].cells) {
    if (!head.dataset.sort) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    button.addEventListener("click", () => sort(head));
    head.replaceChildren(button);
  }

  unfold.addEventListener("click", () => {
    const open = folds.some((one) => !one.open);
    for (const one of folds) one.open = open;
    unfold.textContent = open ? "Fold all" : "Unfold all";
  });
  let before = [];
  addEventListener("beforeprint", () => {
    before = folds.map((one) => one.open);
    for (const one of folds) one.open = true;
  });
  addEventListener("afterprint", () => folds.forEach((one, index) => { one.open = before[index]; }));

  const follow = () => {
    const name = location.hash.slice(1);
    const target = name && document.getElementById(name);
    const row = target && target.closest(".rows > tbody > tr");
    if (!row) return;
    row.hidden = false;
    row.querySelector("details").open = true;
    row.scrollIntoView({ block: "center" });
  };
  addEventListener("hashchange", follow);
  filter();
  follow();
})();
