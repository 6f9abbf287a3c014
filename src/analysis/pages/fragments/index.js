"use strict";
// Finds units without a server: case, diacritics and đ do not matter; without script all are listed.
const fold = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().replace(/đ/g, "d");
const rows = [...document.querySelectorAll("#units tbody tr")];
const words = rows.map((row) => fold(row.cells[0].textContent + " " + row.cells[2].textContent));
const field = (id) => document.getElementById(id);
const found = field("found");
function filter() {
  const asked = fold(field("q").value).split(/\s+/).filter(Boolean);
  const type = field("type").value, commune = field("commune").value, outcome = field("outcome").value;
  let count = 0;
  rows.forEach((row, i) => {
    const fits = asked.every((word) => words[i].includes(word)) && (!type || row.dataset.t === type)
      && (!commune || row.cells[2].textContent === commune) && (!outcome || row.dataset.o === outcome);
    row.hidden = !fits;
    count += fits;
  });
  found.textContent = found.dataset.text.replace("{}", count);
}
document.querySelector("form.search").hidden = false;
document.querySelector("form.search").addEventListener("input", filter);
document.querySelector("form.search").addEventListener("submit", (event) => event.preventDefault());
