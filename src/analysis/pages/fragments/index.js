"use strict";
// Finds units without a server: case, diacritics and đ do not matter. Without script, or in a
// browser that cannot unpack the data, the plain list stays.
const byId = (id) => document.getElementById(id);
const fold = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().replace(/đ/g, "d");
const { packed, words } = JSON.parse(byId("data").textContent);

async function unpack() {
  const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

function makeRow(unit, link, labels) {
  const row = document.createElement("tr");
  const head = document.createElement("th");
  head.scope = "row";
  const small = document.createElement("small");
  small.textContent = unit.id;
  head.append(link.cloneNode(true), " ", small);
  row.append(head);
  const texts = [words.type[unit.type], unit.commune, unit.met, unit.not_met, unit.open, words.outcome[unit.outcome], ""];
  texts.forEach((text, i) => {
    const cell = row.insertCell();
    cell.textContent = text;
    cell.dataset.label = labels[i + 1];
    if (typeof text === "number" || i === 6) cell.className = "n";
  });
  return row;
}

function start(units) {
  const links = [...document.querySelectorAll("#list li")].map((item) => item.firstElementChild ?? item.firstChild);
  const labels = [...document.querySelectorAll("#units thead th")].map((cell) => cell.textContent);
  const rows = units.map((unit, i) => makeRow(unit, links[i], labels));
  const text = units.map((unit, i) => fold(`${links[i].textContent} ${unit.id} ${unit.commune}`));
  const body = document.querySelector("#units tbody");
  body.append(...rows);
  let chosen = null;

  function filter() {
    const asked = fold(byId("q").value).split(/\s+/).filter(Boolean);
    const [type, commune, verdict] = ["type", "commune", "verdict"].map((id) => byId(id).value);
    const rules = { met: (u) => u.met, not_met: (u) => u.not_met, undetermined: (u) => u.open };
    let count = 0;
    units.forEach((unit, i) => {
      const says = chosen === null ? !verdict || rules[verdict](unit) > 0 : !verdict || unit.values[chosen][2] === verdict;
      const fits = says && asked.every((word) => text[i].includes(word))
        && (!type || unit.type === type) && (!commune || unit.commune === commune);
      rows[i].hidden = !fits;
      count += fits;
    });
    byId("found").textContent = byId("found").dataset.text.replace("{}", count);
  }

  function sort() {
    chosen = byId("sort").value === "" ? null : Number(byId("sort").value);
    const head = byId("chosen");
    head.hidden = chosen === null;
    head.textContent = chosen === null ? "" : byId("sort").selectedOptions[0].textContent;
    const order = units.map((_, i) => i);
    if (chosen !== null) {
      // Highest first; who has no value comes last, in the list's own order.
      const value = (i) => units[i].values[chosen][0] ?? -1;
      order.sort((a, b) => value(b) - value(a) || a - b);
    }
    units.forEach((unit, i) => {
      const cell = rows[i].lastElementChild;
      cell.textContent = chosen === null ? "" : unit.values[chosen][1];
      cell.dataset.label = head.textContent;
      cell.hidden = head.hidden;
    });
    body.append(...order.map((i) => rows[i]));
    filter();
  }

  byId("list").hidden = true;
  document.querySelector("div.scroll").hidden = false;
  const form = document.querySelector("form.search");
  form.hidden = false;
  form.addEventListener("input", (event) => (event.target.id === "sort" ? sort() : filter()));
  form.addEventListener("submit", (event) => event.preventDefault());
  sort();
}

unpack().then(start, () => {});
