"use strict";
// Finds units without a server: case, diacritics, đ and its look-alikes do not matter. Without script, or in a
// browser that cannot unpack the data, the plain list stays.
const byId = (id) => document.getElementById(id);
const fold = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().replace(/[đðɖ]/g, "d");
const { packed, words } = JSON.parse(byId("data").textContent);

async function unpack() {
  const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

// The packed columns, with each unit's id and how often it has each verdict.
function complete(units, links) {
  const count = (word) => links.map((_, i) => units.indicators.filter((one) => one.shown[one.places[i]][1] === word).length);
  units.id = links.map((link, i) => units.id[i] || link.getAttribute("href").replace(/^.*\/|\.html$/g, ""));
  units.counts = { met: count("met"), not_met: count("not_met"), undetermined: count("undetermined") };
}

function makeRow(units, i, link, labels) {
  const row = document.createElement("tr");
  const head = document.createElement("th");
  head.scope = "row";
  const small = document.createElement("small");
  small.textContent = units.id[i];
  head.append(link.cloneNode(true), " ", small);
  row.append(head);
  const counts = Object.values(units.counts).map((count) => count[i]);
  const texts = [words.type[units.type[i]], units.commune[i], ...counts, words.outcome[units.outcome[i]], ""];
  texts.forEach((text, column) => {
    const cell = row.insertCell();
    cell.textContent = text;
    cell.dataset.label = labels[column + 1];
    if (typeof text === "number" || column === 6) cell.className = "n";
  });
  return row;
}

function start(units) {
  const links = [...document.querySelectorAll("#list li")].map((item) => item.firstElementChild ?? item.firstChild);
  const labels = [...document.querySelectorAll("#units thead th")].map((cell) => cell.textContent);
  complete(units, links);
  const rows = links.map((link, i) => makeRow(units, i, link, labels));
  const text = links.map((link, i) => fold(`${link.textContent} ${units.id[i]} ${units.commune[i]}`));
  const body = document.querySelector("#units tbody");
  body.append(...rows);
  let chosen = null;

  function filter() {
    const asked = fold(byId("q").value).split(/\s+/).filter(Boolean);
    const [type, commune, verdict] = ["type", "commune", "verdict"].map((id) => byId(id).value);
    const says = (i) => (chosen === null ? units.counts[verdict][i] > 0 : chosen.shown[chosen.places[i]][1] === verdict);
    let count = 0;
    rows.forEach((row, i) => {
      const fits = asked.every((word) => text[i].includes(word)) && (!verdict || says(i))
        && (!type || units.type[i] === type) && (!commune || units.commune[i] === commune);
      row.hidden = !fits;
      count += fits;
    });
    byId("found").textContent = byId("found").dataset.text.replace("{}", count);
  }

  function sort() {
    chosen = units.indicators[byId("sort").value] ?? null;
    const head = byId("chosen");
    head.hidden = chosen === null;
    head.textContent = chosen === null ? "" : byId("sort").selectedOptions[0].textContent;
    const order = rows.map((_, i) => i);
    // Highest first, who has no value last; equals in the list's own order.
    if (chosen !== null) order.sort((a, b) => chosen.places[a] - chosen.places[b] || a - b);
    rows.forEach((row, i) => {
      const cell = row.lastElementChild;
      cell.textContent = chosen === null ? "" : chosen.shown[chosen.places[i]][0];
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
