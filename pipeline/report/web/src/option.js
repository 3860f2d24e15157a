// From the option in the page, which is data, to one that ECharts draws: colors, number formats and shapes by name.

import { write } from "./format.js";
import { inkOn } from "./theme.js";

// Under these keys stand texts of the user's, which mean nothing to us whatever they begin with.
const literal = new Set(["name", "data", "value", "tip", "source", "target"]);

// resolve returns option with its @names replaced.
export function resolve(option, colors, shapes) {
  const visit = (v, key) => {
    if (Array.isArray(v)) {
      return v.map((item) => visit(item, key));
    }
    if (v && typeof v === "object") {
      return Object.fromEntries(Object.entries(v).map(([k, item]) => [k, visit(item, k)]));
    }
    if (typeof v !== "string" || literal.has(key)) {
      return v;
    }
    const [, kind, name, unit] = /^@(color|format|render):(\S+)(?: (.*))?$/s.exec(v) ?? [];
    switch (kind) {
      case "color":
        return colors[name] ?? v;
      case "format":
        return (value) => write(name, scalar(value), unit);
      case "render":
        return shapes[name] ?? v;
    }
    return v;
  };
  const out = visit(option, "");
  out.animation = false;
  if (out.xAxis && !out.grid) {
    out.grid = { left: 8, right: 24, top: out.legend ? 36 : 24, bottom: 8, containLabel: true };
  }
  out.tooltip = tooltip(out);
  for (const s of [out.series].flat()) {
    inkLabels(s);
  }
  return out;
}

// narrowed leaves most of a narrow chart to what is drawn, and cuts the names at its left.
export function narrowed(option, width) {
  const most = Math.round(0.4 * width);
  if (typeof option.grid?.left === "number" && option.grid.left > most) {
    option.grid.left = most;
    for (const axis of [option.yAxis].flat()) {
      axis.axisLabel = { ...axis.axisLabel, width: most - 12, overflow: "truncate" };
    }
  }
  if (width < 480) {
    for (const axis of [option.yAxis].flat()) {
      if (axis?.axisLabel?.width > most) {
        axis.axisLabel = { ...axis.axisLabel, width: most, overflow: "truncate" };
      }
    }
  }
  if (option.legend && option.series?.length > 2 && width < 480 && typeof option.grid?.top === "number") {
    option.grid.top += 24; // the legend takes two lines
  }
  for (const s of [option.series].flat()) {
    const fields = [option.xAxis].flat()[0]?.data?.length;
    const room = Math.floor((width - 80) / fields) - 4; // beside the names of the rows
    if (s?.type === "heatmap" && room < (s.label?.width ?? 64)) {
      s.label = { ...s.label, width: room, overflow: "truncate", fontSize: 10 };
    }
  }
  return option;
}

// scalar is the number in what ECharts hands to a formatter: a value, or the parameters of a label.
function scalar(value) {
  const v = value !== null && typeof value === "object" && !Array.isArray(value) ? value.value : value;
  return Array.isArray(v) ? v.at(-1) : v;
}

// inkLabels gives labels on colored areas an ink that can be read.
function inkLabels(series) {
  if (!["heatmap", "treemap"].includes(series?.type)) {
    return;
  }
  const visit = (item) => {
    const color = item?.itemStyle?.color;
    if (typeof color === "string" && !item.label?.color) {
      item.label = { ...item.label, color: inkOn(color) };
    }
    item?.children?.forEach(visit);
  };
  series.data?.forEach(visit);
}

// tooltip shows text and nothing but text, whatever names are in it.
function tooltip(option) {
  const { formatter, ...own } = option.tooltip ?? {};
  for (const s of [option.series].flat()) {
    delete s?.tooltip?.formatter;
  }
  return {
    trigger: "item",
    confine: true,
    transitionDuration: 0,
    ...own,
    renderMode: "html",
    formatter: (params) => {
      const box = document.createElement("div");
      box.className = "tip";
      for (const line of [params].flat().flatMap((p, i) => lines(p, i, option))) {
        const row = document.createElement("div");
        row.textContent = line;
        box.append(row);
      }
      return box;
    },
  };
}

function lines(p, i, option) {
  if (Array.isArray(p.data?.tip)) {
    return p.data.tip.map(String);
  }
  const series = [option.series].flat()[p.seriesIndex];
  const format = series?.tooltip?.valueFormatter ?? option.tooltip?.valueFormatter;
  const value = Array.isArray(p.value) ? p.value[p.encode?.y?.[0] ?? p.value.length - 1] : p.value;
  const text = typeof format === "function" ? format(value) : write("rate", value);
  if (p.axisValueLabel !== undefined) {
    return (i === 0 ? [p.axisValueLabel] : []).concat(`${p.seriesName}: ${text}`);
  }
  return [p.name, text].filter((line) => line !== "" && line !== undefined);
}

// fitting are the lines of a label that fit into a field: a name, of which at least the beginning must, and beneath it,
// where there is room for the whole name, a number, which is never cut: the long one or the short one.
export function fitting([name, ...numbers], width, height) {
  const fits = (text) => 7.4 * [...text].length + 14 <= width;
  if (width < 64 && !fits(name) || height < 22) {
    return "";
  }
  const number = fits(name) && height >= 46 && numbers.find(fits);
  return number ? `${name}\n${number}` : name;
}
