// The script of the report. The page says everything without it; it draws the charts, opens what a link points into, and
// lets the reader choose between light and dark.

import { init, use } from "echarts/core";
import { BarChart, CustomChart, HeatmapChart, LineChart, SankeyChart, ScatterChart, TreemapChart } from "echarts/charts";
import {
  AriaComponent, GridComponent, LegendComponent, MarkAreaComponent, MarkLineComponent, TitleComponent, TooltipComponent,
  VisualMapComponent,
} from "echarts/components";
import { SVGRenderer } from "echarts/renderers";
import { fitting, narrowed, resolve } from "./option.js";
import { shapes } from "./shapes.js";
import { colorsOf, inkOn, themeOf } from "./theme.js";

use([
  BarChart, CustomChart, HeatmapChart, LineChart, SankeyChart, ScatterChart, TreemapChart,
  AriaComponent, GridComponent, LegendComponent, MarkAreaComponent, MarkLineComponent, TitleComponent, TooltipComponent,
  VisualMapComponent, SVGRenderer,
]);

// paper is the size of each of so many charts on the first sheet, in pixels: beneath each other, or in two columns.
const paper = (count) => (count > 2 ? { width: 340, height: 230 } : { width: 700, height: 265 });

function draw(element, spec, size) {
  element.replaceChildren();
  const colors = colorsOf(element);
  const chart = init(element, themeOf(colors), { renderer: "svg", ...size });
  chart.setOption(narrowed(resolve(spec.option, colors, shapes), chart.getWidth()));
  inkByVisual(chart);
  fitLabels(chart);
  return chart;
}

// fitLabels writes into the fields of treemaps what there is room for, once they have been laid out.
function fitLabels(chart) {
  const { series } = chart.getOption();
  if (!series.some((s) => s.type === "treemap")) {
    return;
  }
  chart.setOption({
    series: series.map((s, i) => {
      const laid = chart.getModel().getSeriesByIndex(i).getData();
      return s.type !== "treemap" ? {} : {
        data: s.data.map((item) => {
          const { width = 0, height = 0 } = laid.getItemLayout(laid.indexOfName(item.name)) ?? {};
          return { ...item, label: { ...item.label, formatter: () => fitting(item.lines ?? [item.name], width, height) } };
        }),
      };
    }),
  });
}

// inkByVisual gives the labels of heatmaps whose colors come from a visualMap an ink that can be read.
function inkByVisual(chart) {
  const { series } = chart.getOption();
  if (!series.some((s) => s.type === "heatmap" && s.label?.show)) {
    return;
  }
  chart.setOption({
    series: series.map((s, seriesIndex) => s.type !== "heatmap" ? {} : {
      data: s.data.map((item, dataIndex) => {
        const own = Array.isArray(item) ? { value: item } : item;
        const color = chart.getVisual({ seriesIndex, dataIndex }, "color");
        return { ...own, label: { ...own.label, color: inkOn(color) } };
      }),
    }),
  });
}

// pannable lets the keyboard move what is wider than the page.
function pannable(element) {
  const pan = element.parentElement;
  if (pan.scrollWidth > pan.clientWidth) {
    pan.tabIndex = 0;
    pan.setAttribute("role", "group");
    pan.setAttribute("aria-label", "Chart, wider than the page");
  } else {
    pan.removeAttribute("tabindex");
    pan.removeAttribute("role");
    pan.removeAttribute("aria-label");
  }
}

function attempt(element, run) {
  try {
    return run();
  } catch (error) {
    console.error(error);
    element.textContent = "This chart could not be drawn. Its numbers are in the tables below.";
    return null;
  }
}

function charts() {
  const specs = JSON.parse(document.getElementById("charts").textContent);
  const byID = new Map(specs.map((spec) => [spec.id, spec]));
  const drawn = new Map();

  const show = (element) => {
    drawn.get(element)?.dispose();
    const spec = byID.get(element.dataset.chart);
    element.style.height = `${spec.height}px`;
    pannable(element);
    drawn.set(element, attempt(element, () => draw(element, spec)));
  };
  const elements = document.querySelectorAll("[data-chart]");
  elements.forEach(show);
  const printed = document.querySelectorAll("[data-print]");
  for (const element of printed) {
    attempt(element, () => draw(element, byID.get(element.dataset.print), paper(printed.length)));
  }

  const resized = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      if (target.clientWidth > 0 && drawn.get(target) && drawn.get(target).getWidth() !== target.clientWidth) {
        show(target);
      }
    }
  });
  elements.forEach((element) => resized.observe(element));
  return () => elements.forEach(show);
}

// reveal opens what the address points into.
function reveal() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) {
    return;
  }
  for (let d = target.closest("details"); d; d = d.parentElement.closest("details")) {
    d.open = true;
  }
  if (target.matches("td, th")) {
    target.scrollIntoView({ block: "center" });
    target.tabIndex = -1;
    target.focus({ preventScroll: true });
  } else {
    target.scrollIntoView();
  }
}

function theme(redraw) {
  const root = document.documentElement;
  const button = document.getElementById("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const remember = (value) => {
    try {
      if (value !== undefined) {
        sessionStorage.setItem("theme", value);
      }
      return sessionStorage.getItem("theme");
    } catch {
      return null; // the page may not store anything
    }
  };
  const show = () => {
    const chosen = root.dataset.theme;
    button.setAttribute("aria-pressed", String(chosen ? chosen === "dark" : system.matches));
    redraw();
  };
  button.hidden = false;
  button.addEventListener("click", () => {
    root.dataset.theme = button.getAttribute("aria-pressed") === "true" ? "light" : "dark";
    remember(root.dataset.theme);
    show();
  });
  system.addEventListener("change", show);
  const before = remember();
  if (before === "light" || before === "dark") {
    root.dataset.theme = before;
    show();
  } else {
    button.setAttribute("aria-pressed", String(system.matches));
  }
}

theme(charts());
addEventListener("hashchange", reveal);
if (location.hash) {
  reveal();
}
