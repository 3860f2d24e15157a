// Colors come from the page's custom properties, so that a chart looks like where it stands: light, dark or on paper.

const names = ["good", "caution", "bad", "neutral", "ink", "muted", "line", "surface", "accent"]
  .concat([...Array(7).keys()].flatMap((i) => [`seq${i}`, `ink-on-seq${i}`]))
  .concat([...Array(8).keys()].map((i) => `cat${i}`));

// colorsOf reads the colors as they are at an element.
export function colorsOf(element) {
  const probe = document.createElement("span");
  probe.hidden = true;
  element.append(probe);
  const colors = {};
  for (const name of names) {
    probe.style.color = `var(--${name})`;
    colors[name] = getComputedStyle(probe).color;
  }
  probe.remove();
  return colors;
}

// themeOf makes an ECharts theme of them.
export function themeOf(c) {
  const axis = {
    axisLine: { lineStyle: { color: c.line } },
    axisTick: { show: false },
    axisLabel: { color: c.muted, overflow: "truncate", hideOverlap: true },
    nameTextStyle: { color: c.muted },
    splitLine: { lineStyle: { color: c.line } },
    splitArea: { show: false },
  };
  return {
    color: [...Array(8).keys()].map((i) => c[`cat${i}`]),
    backgroundColor: "transparent",
    darkMode: inkOn(c.surface) === "#fff",
    textStyle: { color: c.ink, fontFamily: "system-ui, sans-serif" },
    title: { textStyle: { color: c.ink, fontSize: 13, fontWeight: 600 }, subtextStyle: { color: c.muted } },
    legend: { textStyle: { color: c.ink }, inactiveColor: c.line },
    tooltip: {
      backgroundColor: c.surface, borderColor: c.line, textStyle: { color: c.ink, fontSize: 13 },
      axisPointer: { lineStyle: { color: c.muted }, crossStyle: { color: c.muted } },
    },
    visualMap: { textStyle: { color: c.muted }, inRange: { color: [...Array(7).keys()].map((i) => c[`seq${i}`]) } },
    categoryAxis: { ...axis, splitLine: { show: false } },
    valueAxis: { ...axis, axisLine: { show: false } },
    timeAxis: axis,
    logAxis: axis,
    bar: { label: { color: c.ink } },
    scatter: { label: { color: c.ink } },
    line: { symbolSize: 6, lineStyle: { width: 2 }, label: { color: c.ink } },
    sankey: { label: { color: c.ink }, lineStyle: { color: c.muted, opacity: 0.35 } },
    treemap: { breadcrumb: { show: false }, itemStyle: { borderColor: c.surface, gapWidth: 2 } },
    markLine: { label: { color: c.ink } },
  };
}

// inkOn returns the ink that reads better on a color, black or white; one of them always has a contrast of 4.5.
export function inkOn(color) {
  const parts = /^#([0-9a-f]{6})$/i.test(color)
    ? [1, 3, 5].map((i) => parseInt(color.slice(i, i + 2), 16))
    : (String(color).match(/[\d.]+/g) ?? []).slice(0, 3).map(Number);
  const [r, g, b] = parts.map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000" : "#fff";
}
