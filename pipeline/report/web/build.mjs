// Bundles the script and the styles of the report into ../assets, or into the folder that is given, with their licences
// and checksums. The same sources give the same bytes.

import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2] ?? join(here, "..", "assets");

const banner = "/*! Includes Apache ECharts (Apache-2.0, Copyright 2017-2026 The Apache Software Foundation), " +
  "zrender (BSD-3-Clause, Baidu Inc.) and tslib (0BSD, Microsoft Corporation). */";

const options = {
  absWorkingDir: here,
  bundle: true,
  minify: true,
  charset: "utf8",
  legalComments: "none",
  target: ["es2022", "chrome123", "firefox120", "safari17.5"],
  write: false,
};

async function bundle(entry, more) {
  const { outputFiles } = await build({ ...options, entryPoints: [entry], ...more });
  const text = outputFiles[0].text.trimEnd() + "\n";
  if (/<\/(script|style)|<!--/i.test(text)) {
    throw new Error(`${entry}: the bundle would end the element that it stands in`);
  }
  return text;
}

// licences are the texts that the packages themselves bring.
async function licences() {
  const parts = [];
  for (const [name, ...files] of [
    ["echarts", "LICENSE", "NOTICE", "licenses/LICENSE-d3"],
    ["zrender", "LICENSE"],
    ["tslib", "LICENSE.txt"],
  ]) {
    const folder = join(here, "node_modules", name);
    const { version, license } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
    parts.push(`${"=".repeat(80)}\n${name} ${version}, ${license}\n${"=".repeat(80)}\n`);
    for (const file of files) {
      parts.push((await readFile(join(folder, file), "utf8")).replaceAll("\r\n", "\n").trim() + "\n");
    }
  }
  return parts.join("\n");
}

const files = {
  "LICENSES.txt": await licences(),
  "report.css": await bundle("src/report.css", {}),
  "report.js": await bundle("src/main.js", {
    format: "iife",
    banner: { js: banner },
    define: { "process.env.NODE_ENV": '"production"' },
  }),
};

await mkdir(out, { recursive: true });
const sums = [];
for (const [name, text] of Object.entries(files)) {
  await writeFile(join(out, name), text);
  sums.push(`${createHash("sha256").update(text).digest("hex")}  ${name}\n`);
}
await writeFile(join(out, "SHA256SUMS"), sums.join(""));
