/** `1.23 MB`: decimal units, three digits. */
export function formatBytes(bytes: number): string {
  return `${withUnit(bytes, ['B', 'kB', 'MB', 'GB', 'TB'])}`;
}

/** `12.3 M`: counts of parameters or multiply-accumulates. */
export function formatCount(count: number): string {
  return withUnit(count, ['', 'k', 'M', 'G', 'T']).trim();
}

function withUnit(value: number, units: readonly string[]): string {
  let scaled = value;
  let unit = 0;
  while (scaled >= 999.5 && unit < units.length - 1) {
    scaled /= 1000;
    unit++;
  }
  const text =
    unit === 0
      ? String(scaled)
      : scaled >= 99.95
        ? scaled.toFixed(0)
        : scaled >= 9.995
          ? scaled.toFixed(1)
          : scaled.toFixed(2);
  return `${text} ${units[unit] ?? ''}`;
}

/** `25.4 %` */
export function formatShare(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** `38.2 dB`, or `exact`. */
export function formatDecibels(db: number | null): string {
  if (db === null || db === Number.POSITIVE_INFINITY) return 'exact';
  return Number.isNaN(db) ? 'not a number' : `${db.toFixed(1)} dB`;
}

/** A small number for people: `1.3e-4`, `0.0213`, `12.4`. */
export function formatNumber(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  return size < 1e-3 || size >= 1e6
    ? value.toExponential(1)
    : Number(value.toPrecision(3)).toString();
}

/** `12.3 ms`, `840 µs`, `1.20 s`. */
export function formatMs(ms: number): string {
  if (ms >= 999.5) return `${(ms / 1000).toPrecision(3)} s`;
  return ms < 0.9995 ? `${Math.round(ms * 1000)} µs` : `${ms.toPrecision(3)} ms`;
}
