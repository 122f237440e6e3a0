// Prometheus' text format, version 0.0.4, as its page "Exposition formats" has it: what that forbids, or leaves to chance, throws.

export type MetricType = 'counter' | 'gauge' | 'histogram' | 'summary' | 'untyped'

export interface Metric {
  readonly name: string
  readonly type: MetricType
  readonly help: string
  /** By name and labels as they are written. */
  readonly samples: ReadonlyMap<string, Sample>
}

export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

const TYPES: readonly string[] = ['counter', 'gauge', 'histogram', 'summary', 'untyped']
const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/
const SAMPLE = /^([^\s{]+)(?:\{(.*)\})?[ \t]+(\S+)$/

/** The metrics of a text, by name. @throws Error for what is no such text */
export function parseExposition(text: string): ReadonlyMap<string, Metric> {
  if (!text.endsWith('\n')) throw new Error('Expected the last line to end with a line feed')
  const metrics = new Map<string, Metric & { readonly samples: Map<string, Sample> }>()
  let current: (Metric & { readonly samples: Map<string, Sample> }) | undefined
  let help: { readonly name: string; readonly text: string } | undefined
  for (const line of text.slice(0, -1).split('\n')) {
    const [, keyword, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? []
    if (keyword === 'HELP') {
      if (metrics.has(name)) throw new Error(`${name} comes in more than one group`)
      help = { name, text: rest }
    } else if (keyword === 'TYPE') {
      if (help?.name !== name || !NAME.test(name) || !TYPES.includes(rest)) throw new Error(`Not expected: ${line}`)
      current = { name, type: rest as MetricType, help: help.text, samples: new Map() }
      metrics.set(name, current)
    } else {
      const sample = parseSample(line)
      if (current === undefined || !belongs(sample.name, current)) throw new Error(`Not in its group: ${line}`)
      const key = line.slice(0, line.lastIndexOf(' '))
      if (current.samples.has(key)) throw new Error(`Said twice: ${key}`)
      current.samples.set(key, sample)
    }
  }
  for (const metric of metrics.values()) if (metric.type === 'histogram') checkHistogram(metric)
  return metrics
}

function belongs(name: string, metric: Metric): boolean {
  const suffixes = metric.type === 'histogram' ? ['_bucket', '_sum', '_count'] : ['']
  return suffixes.some(suffix => name === `${metric.name}${suffix}`)
}

function parseSample(line: string): Sample {
  const [, name = '', inBraces, written = ''] = SAMPLE.exec(line) ?? []
  if (!NAME.test(name)) throw new Error(`No sample: ${line}`)
  return { name, labels: parseLabels(inBraces ?? ''), value: parseValue(written) }
}

function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {}
  for (let rest = text; rest !== ''; ) {
    const [whole, name, value] = LABEL.exec(rest) ?? []
    if (whole === undefined || name === undefined || value === undefined || name in labels) {
      throw new Error(`No labels: ${text}`)
    }
    labels[name] = value.replaceAll(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped))
    rest = rest.slice(whole.length)
  }
  return labels
}

function parseValue(text: string): number {
  if (text === '+Inf') return Number.POSITIVE_INFINITY
  if (text === '-Inf') return Number.NEGATIVE_INFINITY
  if (/^-?\d+(\.\d+)?(e[+-]?\d+)?$/.test(text)) return Number(text)
  throw new Error(`No value: ${text}`)
}

function checkHistogram({ name, samples }: Metric): void {
  const all = [...samples.values()]
  const buckets = all.filter(sample => sample.name === `${name}_bucket`)
  const bounds = buckets.map(({ labels }) => parseValue(labels['le'] ?? ''))
  const isOrdered = (values: readonly number[]): boolean =>
    values.every((value, at) => at === 0 || value >= (values[at - 1] as number))
  if (!isOrdered(bounds) || bounds.at(-1) !== Number.POSITIVE_INFINITY)
    throw new Error(`Bounds of ${name}: ${bounds.join()}`)
  if (!isOrdered(buckets.map(({ value }) => value))) throw new Error(`The buckets of ${name} do not add up`)
  const [count] = all.filter(sample => sample.name === `${name}_count`)
  const [sum] = all.filter(sample => sample.name === `${name}_sum`)
  if (sum === undefined || count?.value !== buckets.at(-1)?.value)
    throw new Error(`${name} has no sum, or another count`)
}
