"use strict";
// The page is whole without this. It adds a filter over the rows of all tables.
(() => {
  const tools = document.querySelector(".tools");
  const rows = Array.from(document.querySelectorAll(".rows > tbody > tr"));
  if (!tools || !rows.length) return;
  const search = tools.querySelector("input");
  const shown = tools.querySelector("output");
  let texts = null;
  tools.hidden = false;
  const filter = () => {
    texts = texts || rows.map((row) => row.textContent.toLowerCase());
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let number = 0;
    rows.forEach((row, index) => {
      row.hidden = !words.every((word) => texts[index].includes(word));
      number += row.hidden ? 0 : 1;
    });
    shown.textContent = number === rows.length ? `all ${number} rows shown` : `${number} of ${rows.length} rows shown`;
  };
  search.addEventListener("input", filter);
  filter();
})();
