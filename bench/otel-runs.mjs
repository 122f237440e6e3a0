import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { ParallelExecutor } from 'dagstream'
import { createOtelObserver } from 'dagstream/otel'
import { computeMedian } from './statistics.mjs'

const WARMUP_ROUNDS = 5
const ROUNDS = 15

/**
 * An execution with traces and one without, in turns, CPU time. The spans go through the SDK's batches to an exporter that drops
 * them: to send them is the SDK's work, and takes place beside the execution.
 */
export async function measureTraces({ taskCount }) {
  const tasks = Array.from({ length: taskCount }, (_, at) => ({
    id: `t${at}`,
    tool: 'work',
    ...(at >= 100 && { dependsOn: [`t${at - 100}`] }),
  }))
  const exporter = {
    export: (_, done) => done({ code: 0 }),
    shutdown: async () => {},
  }
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] })
  const tools = { work: () => 1 }
  const plain = new ParallelExecutor(tools)
  const traced = new ParallelExecutor(tools, { observers: [await createOtelObserver({ tracerProvider })] })
  const samples = { plain: [], traced: [], ratio: [] }
  for (let round = 0; round < WARMUP_ROUNDS + ROUNDS; round++) {
    const runs = round % 2 === 0 ? ['plain', 'traced'] : ['traced', 'plain']
    const took = {}
    for (const name of runs) took[name] = await measureCpu(() => (name === 'plain' ? plain : traced).execute({ tasks }))
    if (round < WARMUP_ROUNDS) continue
    samples.plain.push(took.plain)
    samples.traced.push(took.traced)
    samples.ratio.push(took.traced / took.plain)
  }
  await tracerProvider.shutdown()
  return {
    plainMs: computeMedian(samples.plain),
    tracedMs: computeMedian(samples.traced),
    ratio: computeMedian(samples.ratio),
  }
}

async function measureCpu(run) {
  const before = process.cpuUsage()
  await run()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}
