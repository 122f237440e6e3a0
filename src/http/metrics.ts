import type { ExecutionHost } from './execution-host.ts'

interface Metric {
  readonly name: string
  readonly type: 'counter' | 'gauge'
  readonly help: string
  /** Each with its labels as they are written, `''` for none. */
  readonly samples: readonly (readonly [labels: string, value: number])[]
}

/** The figures of one handler in Prometheus' text format, version 0.0.4. */
export function renderMetrics(host: ExecutionHost): string {
  const { counters, endCounts } = host
  const metrics: readonly Metric[] = [
    {
      name: 'dagstream_executions_running',
      type: 'gauge',
      help: 'Executions that run in this process.',
      samples: [['', host.runningCount]],
    },
    {
      name: 'dagstream_executions_total',
      type: 'counter',
      help: 'Executions that ended in this process, by status; lost: their log could not be kept.',
      samples: Object.entries(endCounts).map(([status, count]) => [`{status="${status}"}`, count]),
    },
    {
      name: 'dagstream_subscribers',
      type: 'gauge',
      help: 'Event streams that are open.',
      samples: [['', host.attendance.subscriberCount]],
    },
    {
      name: 'dagstream_tools_abandoned_total',
      type: 'counter',
      help: 'Tool calls that did not settle within the grace after their abort.',
      samples: [['', counters.abandonedCount]],
    },
    {
      name: 'dagstream_emissions_dropped_total',
      type: 'counter',
      help: 'What tools emitted after their attempt was over.',
      samples: [['', counters.droppedEmissionCount]],
    },
  ]
  return metrics.map(render).join('')
}

function render({ name, type, help, samples }: Metric): string {
  const lines = samples.map(([labels, value]) => `${name}${labels} ${value}\n`)
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`
}
