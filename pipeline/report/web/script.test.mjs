import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import test from "node:test";
import { write } from "./src/format.js";
import { fitting, narrowed, resolve } from "./src/option.js";
import { inkOn } from "./src/theme.js";

const cases = JSON.parse(await readFile(new URL("../testdata/formats.json", import.meta.url), "utf8"));

test("numbers are written as format.go writes them", () => {
  for (const { format, value, unit, want } of cases) {
    assert.equal(write(format, value, unit), want, `${format} ${value}`);
  }
});

test("options are resolved, but for texts of the user's", () => {
  const option = resolve({
    yAxis: { axisLabel: { formatter: "@format:money EUR" }, data: ["@format:money"] },
    series: [{
      type: "custom", renderItem: "@render:interval", itemStyle: { color: "@color:good" },
      data: [{ name: "@color:good", value: [1], tip: ["@color:good"], itemStyle: { color: "@color:good" } }],
    }],
  }, { good: "green" }, { interval: "drawn" });
  assert.equal(option.yAxis.axisLabel.formatter(1234.5, 0), "1,235\u00a0EUR");
  assert.deepEqual(option.yAxis.data, ["@format:money"]);
  const [series] = option.series;
  assert.equal(series.renderItem, "drawn");
  assert.equal(series.itemStyle.color, "green");
  assert.deepEqual(series.data, [{
    name: "@color:good", value: [1], tip: ["@color:good"], itemStyle: { color: "green" },
  }]);
});

test("labels on areas can be read", () => {
  assert.equal(inkOn("#ffffff"), "#000");
  assert.equal(inkOn("rgb(11, 63, 111)"), "#fff");
});

test("names leave room on a narrow chart", () => {
  const wide = { grid: { left: 200 }, yAxis: { axisLabel: { color: "red" } } };
  assert.equal(narrowed(structuredClone(wide), 900).grid.left, 200);
  assert.deepEqual(narrowed(wide, 300), {
    grid: { left: 120 }, yAxis: { axisLabel: { color: "red", width: 108, overflow: "truncate" } },
  });
});

test("labels hold whole numbers or none", () => {
  const lines = ["Champions", "1,691 · 5.4 %", "1,691"];
  assert.equal(fitting(lines, 200, 60), "Champions\n1,691 · 5.4 %");
  assert.equal(fitting(lines, 84, 60), "Champions\n1,691");
  assert.equal(fitting(lines, 70, 60), "Champions");
  assert.equal(fitting(lines, 40, 60), "");
  assert.equal(fitting(["New", "691 · 5.4 %", "691"], 40, 60), "New\n691");
  assert.equal(fitting(lines, 200, 30), "Champions");
  assert.equal(fitting(lines, 20, 60), "");
});
