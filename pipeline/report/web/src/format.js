// Numbers as format.go writes them; testdata/formats.json holds cases for both.

const minus = "\u2212";
const nbsp = "\u00a0"; // holds a number and its unit together

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

// noise is what is nothing but the rounding of sums.
const noise = 1e-9;

// bounded writes a number of which is known that it is below or above v, in size.
function bounded(bound, v, places) {
  return (v < 0 ? { "<": ">", ">": "<", "": "" }[bound] : bound) + fixed(v, places);
}

// percent writes neither what is not nothing as nothing nor what is not all as all.
function percent(v) {
  const a = Math.abs(100 * v);
  const sign = Math.sign(v);
  const write = (bound, value, places) => bounded(bound, value, places) + nbsp + "%";
  if (a < noise || a >= 100 - noise || (a >= 9.95 && a < 99.5)) {
    return write("", 100 * v, 0);
  }
  if (a < 0.005) {
    return write("<", sign * 0.01, 2);
  }
  if (a >= 99.95) {
    return write(">", sign * 99.9, 1);
  }
  return write("", 100 * v, a >= 0.995 ? 1 : 2);
}

function money(v) {
  return Math.abs(v) >= 99.995 || Number.isInteger(v) ? grouped(v) : fixed(v, 2);
}

function tenths(v) {
  return Math.abs(v) >= 9.95 || Number.isInteger(v) ? grouped(v) : fixed(v, 1);
}

function decimals(v) {
  const a = Math.abs(v);
  if (a >= noise && a < 0.005) {
    return bounded("<", Math.sign(v) * 0.01, 2);
  }
  return a >= 99.5 ? grouped(v) : fixed(v, a >= 9.95 ? 1 : 2);
}

function probability(v) {
  return v < 0.001 ? "<0.001" : fixed(v, v < 0.0995 ? 3 : 2);
}

const unit = (digits, name) => (name ? digits + nbsp + name : digits);

const plus = (text) => (/^[0-9]/.test(text) ? "+" + text : text);

const formats = {
  share: percent,
  delta: (v) => (v > 0 ? plus(percent(v)) : percent(v)),
  ratio: (v) => decimals(v) + "x",
  money: (v, currency) => unit(money(v), currency),
  days: (v) => unit(tenths(v), tenths(v) === "1" ? "day" : "days"),
  mean: tenths,
  rate: decimals,
  p: probability,
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
