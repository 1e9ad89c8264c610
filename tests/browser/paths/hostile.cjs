// Names that want to be markup, a formula, or read backwards, at the vendor and in the documentation: shown as they are
// written, harmless on every page that lists them, and safe in a spreadsheet.
"use strict";
const assert = require("node:assert/strict");

const MARKUP = `<img src=x onerror="document.title='taken'">`;
const FORMULA = `=cmd|'/c calc'!A1`;
const BACKWARDS = "invoice\u202efdp.exe";
const SHOWN = [MARKUP, FORMULA, "invoice\\u{202e}fdp.exe"];

/** A page carries nothing out: no element came out of a name, no letter turns its line round, the title is ours. */
async function harmless(guest) {
  const { page } = guest;
  assert.equal(await page.locator("img, iframe, object, form[action^='http']").count(), 0, page.url());
  assert.match(await page.title(), / · msp-sync$/);
  const text = await page.locator("body").innerText();
  assert.doesNotMatch(text, /[\u200b-\u200f\u202a-\u202e\u2066-\u2069]/, page.url());
  return text;
}

exports.title = "hostile names are shown harmlessly on every page that lists them, and exported safely";
exports.walk = async (bench) => {
  const names = [MARKUP, FORMULA, BACKWARDS];
  for (const what of ["client", "user", "contact", "location", "asset"]) {
    for (const [nth, name] of names.entries()) {
      const { renamed } = await bench.sandbox.order({ do: "rename", what, nth, name });
      assert.ok(renamed, `there is no ${what} ${nth}`);
    }
  }
  await bench.read("acme", "connectwise", "user,client,asset,contact,location");
  await bench.documented("client", names.map((name) => ({ name: `${name} Ltd` })));
  const guest = await bench.signedIn();
  const { page } = guest;
  const listed = async (place, look) => {
    await guest.go(place);
    const text = await harmless(guest);
    for (const name of SHOWN) assert.ok(text.toLowerCase().includes(name.toLowerCase()), `${name} at ${place}`);
    if (look) await guest.look(look);
  };

  await listed("/i/acme/match/user");
  await listed("/i/acme/match/client", "hostile-matching");
  await page.getByRole("link", { name: `Find a match for ${MARKUP}` }).click();
  await harmless(guest);
  await bench.command("create-unmatched", "acme");
  await listed("/i/acme/preview");
  await bench.command("integration", "set", "acme", "--types", await types(bench));
  await bench.command("finish", "acme");
  await listed("/catalogue?kind=client", "hostile-catalogue");
  await listed("/catalogue?kind=user");

  // Below a client: what is created and what is left out.
  const clients = (await bench.command("docs", "list", "--kind", "client")).items;
  for (const kind of ["asset", "contact", "location"]) {
    const below = [];
    for (const { doc_id: client } of clients) {
      await guest.go(`/catalogue?kind=${kind}&client=${client}`);
      below.push(await harmless(guest));
    }
    const text = below.join("\n").toLowerCase();
    for (const name of SHOWN) assert.ok(text.includes(name.toLowerCase()), `${name} among the ${kind}s`);
  }
  await guest.go("/catalogue?kind=client&search=onerror");
  await page.getByRole("link", { name: MARKUP, exact: true }).click();
  await page.getByRole("heading", { name: MARKUP }).waitFor();
  await harmless(guest);
  await guest.look("hostile-record");
  for (const place of ["/i/acme/unsynced", "/i/acme/plans", "/i/acme/runs", "/audit", "/"]) {
    await guest.go(place);
    await harmless(guest);
  }
  await guest.go("/i/acme/plans");
  await page.locator("tbody a").first().click();
  await harmless(guest);

  // A spreadsheet takes no cell for a formula.
  for (const place of ["/i/acme/unsynced.csv", ...["client", "user", "asset", "contact", "location"].map((kind) => `/catalogue.csv?kind=${kind}`)]) {
    const answer = await page.request.get(`${bench.origin}${place}`);
    assert.match(answer.headers()["content-disposition"], /^attachment/);
    for (const cell of cells(await answer.text())) assert.doesNotMatch(cell, /^[=+@\t\r]|^-[^\d]/, `${place}: ${cell}`);
  }
};

async function types(bench) {
  return (await bench.command("integration", "types", "acme")).items.map((of) => of.id).join(",");
}

/** The cells of a CSV file. */
function cells(text) {
  return [...text.matchAll(/(?:^|,|\r?\n)(?:"((?:[^"]|"")*)"|([^",\r\n]*))/g)].map(([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain);
}
