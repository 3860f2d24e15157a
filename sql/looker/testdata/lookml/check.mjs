// Reads a LookML project with lookml-parser and holds it against the tables: node check.mjs PROJECT DDL
//
// PROJECT is its folder, DDL a file of CREATE TABLE statements in BigQuery's SQL. On standard output comes JSON:
// findings, in words; descriptions, by field; and queries, the SQL that Looker would make of every explore, tile and test, without the parts of
// Looker that only a server has (symmetric aggregates, which no explore needs; weeks and months; days relative to today).
import { readFileSync } from "node:fs";
import parser from "lookml-parser";

const [project, ddlFile] = process.argv.slice(2);
const findings = [], queries = [];
const find = (what) => findings.push(what);
const entries = (o) => Object.entries(o ?? {}).filter(([name]) => !name.startsWith("$"));
const list = (x) => (x === undefined ? [] : Array.isArray(x) ? x : [x]);

const parsed = await parser.parseFiles({ source: "**/*.{lkml,lookml}", cwd: project });
for (const f of parsed.errors ?? []) find(`${f.$file_path}: ${f.error?.message ?? f.error}`);
parser.transformations.applyExtensionsRefinements(parsed);
const constants = Object.fromEntries(entries(parsed.manifest?.constant).map(([name, c]) => [name, c.value]));
const model = parsed.model?.segments ?? {};
if (!parsed.model?.segments) find("there is no model segments");
if (model.error) find(`model segments: ${model.error}`);

// What is in the warehouse: the columns of each table, and of the views that have those of a table.
const tables = new Map();
for (const [, name, body, options] of readFileSync(ddlFile, "utf8").matchAll(/^CREATE TABLE IF NOT EXISTS `(\w+)` \(\n([^]*?)\n\)([^]*?);$/gm)) {
  const columns = new Set([...body.matchAll(/^ {2}`(\w+)` /gm)].map((m) => m[1]));
  tables.set(name, columns);
  if (options.includes("PARTITION BY `as_of`")) tables.set(`${name}_current`, columns);
  if (name === "run_events") tables.set("runs", columns);
}
if (tables.size < 10) find(`only ${tables.size} tables in ${ddlFile}`);

// The fields of each view by the names that they are asked for: those of days and moments once for each timeframe.
const views = new Map();
for (const [name, view] of entries(model.view)) {
  if (name.startsWith("+")) {
    if (!model.view[name.slice(1)]) find(`view ${name} refines what is not there`);
    continue;
  }
  for (const base of list(view.extends)) if (!model.view[base]) find(`view ${name} extends ${base}, which is not there`);
  const fields = new Map();
  const add = (field, f) => {
    if (fields.has(field)) find(`${name}.${field} is there twice`);
    fields.set(field, f);
  };
  for (const [field, f] of entries(view.dimension)) add(field, { ...f, kind: "dimension" });
  for (const [field, f] of entries(view.measure)) add(field, { ...f, kind: "measure" });
  for (const [group, f] of entries(view.dimension_group)) {
    for (const t of f.timeframes ?? []) add(`${group}_${t}`, { ...f, kind: "dimension", timeframe: t });
  }
  const keys = [...fields.values()].filter((f) => f.primary_key);
  if (keys.length !== 1 || keys[0] !== fields.values().next().value || !keys[0].hidden) find(`view ${name} does not begin with its key, hidden`);
  views.set(name, fields);
}
for (const name of tables.keys()) if (!views.has(name)) find(`table ${name} has no view`);

// fields lists the references ${…} of a text, but TABLE, with the view that they mean within the view own.
const references = (text, own) =>
  [...(text ?? "").matchAll(/\$\{([^}]*)\}/g)].map((m) => m[1]).filter((r) => r !== "TABLE").map((r) => (r.includes(".") ? r.split(".") : [own, r]));
const known = (view, field) => views.get(view)?.has(field);
// constant puts the values of constants into a text.
const constant = (where, text) =>
  text.replace(/@\{([^}]*)\}/g, (_, c) => (c in constants ? constants[c] : (find(`${where}: there is no constant ${c}`), c)));

for (const [name, fields] of views) {
  const view = model.view[name];
  const from = constant(`view ${name}`, view.sql_table_name ?? "").trim().match(/^`[\w-]+\.\w+\.(\w+)`$/)?.[1];
  const columns = tables.get(from);
  if (!columns) find(`view ${name} reads ${view.sql_table_name}, which is no table`);
  for (const [field, f] of fields) {
    const where = `${name}.${field}`;
    if (!f.hidden && !(f.description ?? "").trim()) find(`${where} is neither described nor hidden`);
    if (!f.hidden && !(f.label ?? "").trim()) find(`${where} has no label`);
    for (const [, column] of (f.sql ?? "").matchAll(/\$\{TABLE\}\.`(\w+)`/g)) {
      if (columns && !columns.has(column)) find(`${where}: table ${from} has no column ${column}`);
    }
    for (const [v, r] of references(f.sql, name)) if (!known(v, r)) find(`${where} refers to ${v}.${r}, which is not there`);
    for (const [r] of entries(f.filters)) if (!known(name, r)) find(`${where} filters ${name}.${r}, which is not there`);
  }
  // What is in the table and cannot be seen.
  const seen = new Set([...fields.values()].flatMap((f) => [...(f.sql ?? "").matchAll(/\$\{TABLE\}\.`(\w+)`/g)].map((m) => m[1])));
  for (const column of columns ?? []) if (!seen.has(column)) find(`view ${name} has no field of column ${column}`);
}

// Explores: who joins whom.
const explores = new Map();
for (const [name, e] of entries(model.explore)) {
  const members = [name, ...entries(e.join).map(([join]) => join)];
  explores.set(name, members);
  for (const v of members) if (!views.has(v)) find(`explore ${name} reads the view ${v}, which is not there`);
  for (const [join, j] of entries(e.join)) {
    if (!["one_to_one", "many_to_one"].includes(j.relationship)) find(`explore ${name}: ${join} is joined ${j.relationship}: sums would count twice`);
    const refs = references(j.sql_on, name);
    if (!refs.some(([v]) => v === join) || !refs.some(([v]) => v !== join)) find(`explore ${name}: ${join} is joined on nothing of both sides`);
    for (const [v, f] of refs) if (!members.includes(v) || !known(v, f)) find(`explore ${name} joins on ${v}.${f}, which is not there`);
  }
  const always = entries(e.always_filter?.filters).map(([f]) => f);
  for (const f of always) {
    const [v, field] = f.split(".");
    if (!members.includes(v) || !known(v, field)) find(`explore ${name} always filters ${f}, which is not there`);
  }
  const dated = views.get(name)?.has("as_of_raw") && !name.endsWith("_current") && !["runs", "run_events"].includes(name);
  if (dated && !always.includes(`${name}.as_of_date`)) find(`explore ${name} may be asked without a day`);
}

// sqlOf is the SQL of a field in a query where each view goes by its own name; days and moments are as they are.
function sqlOf(view, field, depth = 0) {
  const f = views.get(view)?.get(field);
  if (!f || depth > 9) return "NULL";
  const sql = (f.sql ?? "").trim()
    .replace(/\$\{TABLE\}/g, view)
    .replace(/\$\{([^}]*)\}/g, (_, r) => sqlOf(...(r.includes(".") ? r.split(".") : [view, r]), depth + 1));
  if (f.kind !== "measure" || f.type === "number") return sql;
  const only = entries(f.filters).map(([r, value]) => condition(`${view}.${r}`, value)).join(" AND ");
  const counted = f.type === "count" ? "1" : sql;
  const aggregate = { count: "COUNT", sum: "SUM", average: "AVG", count_distinct: "COUNT(DISTINCT" }[f.type];
  if (!aggregate) find(`${view}.${field} is a measure of type ${f.type}`);
  const close = aggregate?.includes("(") ? ")" : "";
  return `${aggregate}(${only ? `CASE WHEN ${only} THEN ${counted} END` : f.type === "count" ? sqlOf(view, "primary_key") : counted})${close}`;
}

// condition is the SQL of a filter, as far as filters are used here: a value, or not a value.
function condition(field, value) {
  const [view, name] = field.split(".");
  const sql = sqlOf(view, name), f = views.get(view)?.get(name);
  const plain = String(value).replace(/^-/, "").replace(/\^(.)/g, "$1");
  if (value === "%" || f?.timeframe) return "TRUE";
  if (/^-?EMPTY$/.test(value)) return `coalesce(${sql}, '') ${value.startsWith("-") ? "<>" : "="} ''`;
  if (f?.type === "yesno") return /^yes$/i.test(plain) ? sql : `NOT ${sql}`;
  const literal = f?.type === "number" ? plain : `'${plain.replaceAll("'", "''")}'`;
  return String(value).startsWith("-") && f?.type !== "number" ? `(${sql} <> ${literal} OR ${sql} IS NULL)` : `${sql} = ${literal}`;
}

// query makes the SQL of a question to an explore; what is not there has been found before.
function query(name, explore, fields, filters = [], sorts = [], limit) {
  const e = model.explore?.[explore];
  if (!e || fields.some((f) => !known(...f.split(".")))) return;
  const isMeasure = (f) => views.get(f.split(".")[0]).get(f.split(".")[1]).kind === "measure";
  const named = fields.map((f) => `${sqlOf(...f.split("."))} AS \`${f}\``);
  const table = (v) => `\`${constant(v, model.view[v].sql_table_name).match(/\.(\w+)`/)?.[1]}\` AS ${v}`;
  const joins = entries(e.join).filter(([j]) => fields.some((f) => f.startsWith(j + ".")))
    .map(([j, { sql_on }]) => `LEFT JOIN ${table(j)} ON ${sql_on.trim().replace(/\$\{([^}]*)\}/g, (_, r) => sqlOf(...r.split(".")))}`);
  const groups = fields.flatMap((f, i) => (isMeasure(f) ? [] : [i + 1]));
  const given = new Set(filters.map(([f]) => f));
  const all = [...filters, ...entries(e.always_filter?.filters).filter(([f]) => !given.has(f))];
  queries.push({ name, sql: [
    `SELECT ${named.join(", ")}`, `FROM ${table(explore)}`, ...joins,
    ...(all.length ? [`WHERE ${all.map(([f, v]) => condition(f, v)).join(" AND ")}`] : []),
    ...(groups.length && groups.length < fields.length ? [`GROUP BY ${groups.join(", ")}`] : []),
    ...(sorts.length ? [`ORDER BY ${sorts.map((s) => s.split(" ")).map(([f, way]) => `${fields.indexOf(f) + 1} ${way === "desc" ? "DESC" : "ASC"}`).join(", ")}`] : []),
    ...(limit ? [`LIMIT ${limit}`] : []),
  ].join("\n") });
}

for (const [name, members] of explores) {
  const all = members.flatMap((v) => [...(views.get(v) ?? [])].map(([f, d]) => [`${v}.${f}`, d.kind]));
  query(`explore ${name}: dimensions`, name, all.filter(([, kind]) => kind === "dimension").map(([f]) => f));
  query(`explore ${name}: measures`, name, all.filter(([, kind]) => kind === "measure").map(([f]) => f));
}

// asked reports the fields of a question that its explore does not have.
function asked(where, explore, fields) {
  if (!explores.has(explore)) return find(`${where}: there is no explore ${explore}`);
  for (const field of fields) {
    const [v, f] = field.split(".");
    if (!explores.get(explore).includes(v) || !known(v, f)) find(`${where}: explore ${explore} has no field ${field}`);
  }
}

for (const [name, t] of entries(model.test)) {
  const [[explore, source] = []] = entries(t.explore_source);
  const columns = entries(source?.column).map(([, c]) => c.field);
  const filters = entries(source?.filters), sorts = entries(source?.sorts);
  asked(`test ${name}`, explore, [...columns, ...filters.map(([f]) => f), ...sorts.map(([f]) => f)]);
  if (!entries(t.assert).length) find(`test ${name} asserts nothing`);
  for (const [, a] of entries(t.assert)) {
    for (const r of references(a.expression)) if (!columns.includes(r.join("."))) find(`test ${name} asserts something of ${r.join(".")}, which it does not ask`);
  }
  query(`test ${name}`, explore, columns, filters, sorts.map(([f, way]) => `${f} ${way}`), source?.limit);
}

for (const [file, d] of entries(model.dashboard)) {
  for (const [, board] of entries(d)) {
    const heard = new Map(list(board.filters).map((f) => [f.name, f]));
    for (const f of heard.values()) asked(`dashboard ${file}, filter ${f.name}`, f.explore, [f.field]);
    const names = new Set(), taken = new Set();
    for (const tile of list(board.elements)) {
      const where = `dashboard ${file}, tile ${tile.title ?? tile.name}`;
      if (names.has(tile.name)) find(`${where}: the name is taken`);
      names.add(tile.name);
      for (let r = tile.row; r < tile.row + tile.height; r++) {
        for (let c = tile.col; c < tile.col + tile.width; c++) {
          if (c > 23 || taken.has(`${r} ${c}`)) { find(`${where} has no place at ${r}, ${c}`); r = Infinity; break; }
          taken.add(`${r} ${c}`);
        }
      }
      if (tile.type === "text") continue;
      const listens = Object.entries(tile.listen ?? {}), filters = Object.entries(tile.filters ?? {}), sorts = list(tile.sorts);
      if (tile.model !== "segments") find(`${where} asks the model ${tile.model}`);
      for (const [f] of listens) if (!heard.has(f)) find(`${where} listens to ${f}, which is no filter`);
      asked(where, tile.explore, [...tile.fields, ...listens.map(([, f]) => f), ...filters.map(([f]) => f)]);
      for (const f of [...list(tile.pivots), ...sorts.map((s) => s.split(" ")[0])]) if (!tile.fields.includes(f)) find(`${where} pivots or sorts by ${f}, which it does not ask`);
      query(`tile ${tile.title}`, tile.explore, tile.fields, [...filters, ...listens.map(([f, field]) => [field, heard.get(f)?.default_value ?? ""])], sorts, tile.limit);
    }
  }
}
if (!entries(model.dashboard).length) find("there is no dashboard");

const descriptions = Object.fromEntries([...views].flatMap(([v, fields]) => [...fields].map(([f, { description }]) => [`${v}.${f}`, description ?? ""])));
process.stdout.write(JSON.stringify({ findings, descriptions, queries }));
