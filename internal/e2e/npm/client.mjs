// The official cache client for one operation: node client.mjs FOLDER JSON,
// FOLDER being where the packages are installed. What it prints is the client's;
// the outcome is appended to the file that the JSON names.
//
//	{client: "cache-4" | "cache-6", do: "save" | "restore" | "lookup",
//	 paths: […], key: "…", restoreKeys: […], outcome: FILE}
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, json] = process.argv.slice(2);
const want = JSON.parse(json);
const home = join(folder, "node_modules", want.client);
// Not by its bare name: that is looked up beside this file.
const about = JSON.parse(readFileSync(join(home, "package.json"), "utf8"));
const { default: legacy, ...modern } = await import(pathToFileURL(join(home, about.main)));
const client = legacy ?? modern; // CommonJS up to 5, a module from 6 on

let outcome;
switch (want.do) {
  case "save":
    outcome = { id: await client.saveCache(want.paths, want.key) };
    break;
  case "restore":
  case "lookup":
    outcome = { key: await client.restoreCache(want.paths, want.key, want.restoreKeys, { lookupOnly: want.do === "lookup" }) };
    break;
  default:
    throw new Error(`found do ${want.do}, expected save, restore or lookup`);
}
writeFileSync(want.outcome, JSON.stringify(outcome));
// Idle connections to the server would keep the process for a while.
process.exit(0);
