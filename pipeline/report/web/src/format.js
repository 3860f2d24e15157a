// Numbers as format.go writes them; testdata/formats.json holds cases for both.

const minus = "\u2212";

// signed writes a minus as the sign it is, and no minus before nothing.
const signed = (negative, digits) => (negative && /[1-9]/.test(digits) ? minus + digits : digits);

// fixed rounds to the nearest, and a tie to the even digit; toFixed takes ties up.
function fixed(v, places) {
  const a = Math.abs(v);
  let digits = a.toFixed(places);
  const exact = a.toFixed(places + 40);
  if (exact.endsWith("5" + "0".repeat(39)) && Number(digits.at(-1)) % 2 === 1) {
    digits = exact.slice(0, -40).replace(/\.$/, "");
  }
  return signed(v < 0, digits);
}

// grouped writes a whole number as 1,204,118.
function grouped(v) {
  const digits = BigInt(Math.round(Math.abs(v))).toString();
  return signed(v < 0, digits.replace(/\B(?=(\d{3})+$)/g, ","));
}

function percent(v) {
  const a = Math.abs(100 * v);
  const places = a === 0 || a >= 9.95 ? 0 : a >= 0.995 ? 1 : 2;
  return fixed(100 * v, places) + " %";
}

function money(v) {
  return Math.abs(v) >= 99.995 || Number.isInteger(v) ? grouped(v) : fixed(v, 2);
}

function tenths(v) {
  return Math.abs(v) >= 9.95 || Number.isInteger(v) ? grouped(v) : fixed(v, 1);
}

function decimals(v) {
  const a = Math.abs(v);
  return a >= 99.5 ? grouped(v) : fixed(v, a >= 9.95 ? 1 : 2);
}

const formats = {
  share: percent,
  delta: (v) => (v > 0 ? "+" : "") + percent(v),
  ratio: (v) => decimals(v) + "x",
  money: (v, unit) => (money(v) + " " + (unit ?? "")).trim(),
  days: (v) => tenths(v) + (tenths(v) === "1" ? " day" : " days"),
  mean: tenths,
  rate: decimals,
};

// write writes a value in a format; what is not known is a dash.
export function write(format, value, unit) {
  if (typeof value === "string") {
    return value;
  }
  if (typeof value !== "number" || !Number.isFinite(value)) {
    return "–";
  }
  return (formats[format] ?? grouped)(value, unit);
}
