// What custom series draw. Items of an interval are [index, low, value, high], with the index on the category axis.

const cap = 5;

function whisker(api, upright) {
  const at = (value) => api.coord(upright ? [api.value(0), value] : [value, api.value(0)]);
  const [low, middle, high] = [1, 2, 3].map((dim) => at(api.value(dim)));
  const stroke = api.visual("color");
  const line = (from, to) => ({
    type: "line",
    shape: { x1: from[0], y1: from[1], x2: to[0], y2: to[1] },
    style: { stroke, lineWidth: 2 },
  });
  const end = ([x, y]) => (upright ? line([x - cap, y], [x + cap, y]) : line([x, y - cap], [x, y + cap]));
  return {
    type: "group",
    children: [
      line(low, high),
      end(low),
      end(high),
      { type: "circle", shape: { cx: middle[0], cy: middle[1], r: 5 }, style: { fill: stroke } },
    ],
  };
}

// outline frames the cells of two category axes from [x, y] to [x, y], both within.
function outline(api) {
  const [x0, x1] = [api.value(0), api.value(2)].sort((a, b) => a - b);
  const [y0, y1] = [api.value(1), api.value(3)].sort((a, b) => a - b);
  const [w, h] = api.size([1, 1]);
  const [left, bottom] = api.coord([x0, y0]);
  const [right, top] = api.coord([x1, y1]);
  const up = Math.min(top, bottom);
  return {
    type: "rect",
    silent: true,
    shape: {
      x: Math.min(left, right) - w / 2 + 1,
      y: up - h / 2 + 1,
      width: Math.abs(right - left) + w - 2,
      height: Math.abs(top - bottom) + h - 2,
    },
    style: { fill: "none", stroke: api.visual("color"), lineWidth: 2 },
  };
}

export const shapes = {
  interval: (_, api) => whisker(api, false),
  intervalUp: (_, api) => whisker(api, true),
  outline: (_, api) => outline(api),
};
