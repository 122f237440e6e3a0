import type { Histogram } from '../../host/observers/histogram.ts'

/** One value, or one for each value of a label. */
export type Samples = number | { readonly label: string; readonly values: Iterable<readonly [string | number, number]> }

export function byLabel(label: string, values: Readonly<Record<string, number>>): Samples {
  return { label, values: Object.entries(values) }
}

export function gauge(name: string, help: string, samples: Samples): string {
  return describe(name, 'gauge', help) + renderSamples(name, samples)
}

export function counter(name: string, help: string, samples: Samples): string {
  return describe(name, 'counter', help) + renderSamples(name, samples)
}

export function histogram(name: string, help: string, { bounds, cumulativeCounts, sum }: Histogram): string {
  const values = cumulativeCounts.map((count, at) => [bounds[at] ?? '+Inf', count] as const)
  return [
    describe(name, 'histogram', help),
    renderSamples(`${name}_bucket`, { label: 'le', values }),
    renderSamples(`${name}_sum`, sum),
    renderSamples(`${name}_count`, cumulativeCounts.at(-1) as number),
  ].join('')
}

function describe(name: string, type: string, help: string): string {
  return `# HELP dagstream_${name} ${help}\n# TYPE dagstream_${name} ${type}\n`
}

function renderSamples(name: string, samples: Samples): string {
  if (typeof samples === 'number') return `dagstream_${name} ${samples}\n`
  const lines = Array.from(samples.values, ([value, count]) => {
    return `dagstream_${name}{${samples.label}="${escapeLabel(value)}"} ${count}\n`
  })
  return lines.join('')
}

/** Names of tools may hold any text. */
function escapeLabel(value: string | number): string {
  return String(value).replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
