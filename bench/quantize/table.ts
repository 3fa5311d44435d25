// What quantization cost and gave, model by model.

/** One way to quantize a model. */
export interface Way {
  /** Of the float file. */
  readonly size: number;
  /** Of the outputs against those of the float model, the least of them, dB. */
  readonly sqnrDb: number;
  /** Share of images whose label is found; null without labels. */
  readonly top1: number | null;
  /** Layers and values that the tool left float. */
  readonly kept: number;
  /** Time of the float model over its time, in our session; null where not measured. */
  readonly faster: number | null;
  /** The same in onnxruntime-node. */
  readonly fasterThere: number | null;
}

export interface Quantized {
  readonly model: string;
  readonly bytes: number;
  readonly top1: number | null;
  readonly ours: Way;
  readonly defaults: Way;
}

/** A table as cells. */
export interface PlainTable {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** What fell short. */
  readonly notes: readonly string[];
}

/** How much more of the float file ours may take and count as of equal size: scales of channels take bytes in small models. */
const equalSize = 0.035;

export function quantizedTable(all: readonly Quantized[], how: string): PlainTable {
  const head = [
    'static int8',
    'float kB',
    'size',
    'defaults',
    'SQNR dB',
    'defaults',
    'top-1 float',
    'int8',
    'defaults',
    '× own float32',
    '× onnxruntime float32',
    'defaults',
  ];
  const rows = all.map(({ model, bytes, top1, ours, defaults }) => [
    model,
    (bytes / 1000).toFixed(0),
    ours.size.toFixed(3),
    defaults.size.toFixed(3),
    decibels(ours.sqnrDb),
    decibels(defaults.sqnrDb),
    percent(top1),
    percent(ours.top1),
    percent(defaults.top1),
    ratio(ours.faster),
    ratio(ours.fasterThere),
    ratio(defaults.fasterThere),
  ]);
  const notes = all.flatMap((each) => [...beaten(each)]);
  return { title: `quantization (${how})`, head, rows, notes };
}

function* beaten({ model, ours, defaults }: Quantized): Generator<string> {
  if (ours.sqnrDb <= defaults.sqnrDb)
    yield `${model}: ${decibels(ours.sqnrDb)} dB, defaults have ${decibels(defaults.sqnrDb)} dB`;
  if (ours.size > defaults.size + equalSize)
    yield `${model}: ${ours.size.toFixed(3)} of the size, defaults have ${defaults.size.toFixed(3)}`;
}

/** For people. */
export function plainText({ title, head, rows, notes }: PlainTable): string {
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((row) => row[i]!.length)));
  const lines = [head, ...rows].map((row) =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join('  '),
  );
  const short = notes.map((note) => `  ${note}`);
  return ['', title, ...lines, '', `fell short: ${notes.length}`, ...short].join('\n');
}

const decibels = (value: number): string => (Number.isFinite(value) ? value.toFixed(1) : '∞');
const percent = (value: number | null): string => (value === null ? '' : (100 * value).toFixed(2));
const ratio = (value: number | null): string => (value === null ? '' : value.toFixed(2));
