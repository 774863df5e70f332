/** Numbers as people read them. */

/** Three digits or so, with commas between thousands. */
export function format(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "-";
  if (value === 0) return "0";
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** A share of one, as whole per cent. */
export function percent(share) {
  return `${Math.round(share * 100)} %`;
}
