import {
  createMemoryStore,
  type DAGStructure,
  type Execution,
  type ExecutionOptions,
  type ExecutionResult,
  type SSEEvent,
  StreamingExecutor,
  type TaskResult,
} from '../../src/index.ts'
import { leaveAfter, readKept } from '../support/crash.ts'
import { collectEvents } from '../support/rig.ts'
import { readEnds } from './agreement.ts'
import { behaveAsNamed, EXAMPLE_TOOLS } from './example.ts'
import { createTools } from './language-rig.ts'

/** An execution of a document written by hand that has ended. */
export interface Example {
  readonly events: readonly SSEEvent[]
  readonly result: ExecutionResult
  /** The `task_complete` of each task. */
  readonly ends: ReadonlyMap<string, TaskResult>
  /** The output of each task that succeeded, the code of each other one. */
  readonly endings: Readonly<Record<string, unknown>>
  /** Ids of the tasks whose tool was called, in order. */
  readonly called: readonly string[]
  /** The most calls at once. */
  readonly peak: number
}

/** Runs a document with the tools of `example.ts`. */
export async function runExample(
  document: DAGStructure,
  options: ExecutionOptions & { readonly input?: unknown } = {},
): Promise<Example> {
  const { input, ...rest } = options
  const { tools, called, peak } = createTools(behaveAsNamed, 1, undefined, EXAMPLE_TOOLS)
  const execution = new StreamingExecutor(tools, rest).stream(document, { input })
  return describe(execution, called, peak)
}

/** Runs a document, then leaves it after each of its events and takes it up again. */
export async function* resumeEverywhere(
  document: DAGStructure,
  options: ExecutionOptions = {},
): AsyncGenerator<{ readonly whole: Example; readonly resumed: Example; readonly settled: ReadonlySet<string> }> {
  const store = createMemoryStore()
  const whole = await runExample(document, { ...options, store })
  const kept = await readKept(store, whole.result.executionId)
  for (let count = 0; count <= kept.entries.length; count++) {
    const settled = readEnds(whole.events.slice(0, count))
    const { tools, called, peak } = createTools(behaveAsNamed, 1, undefined, EXAMPLE_TOOLS)
    const left = await leaveAfter(kept, count)
    const execution = await new StreamingExecutor(tools, { store: left }).resume(whole.result.executionId)
    yield { whole, resumed: await describe(execution, called, peak), settled: new Set(settled.keys()) }
  }
}

async function describe(execution: Execution, called: readonly string[], peak: () => number): Promise<Example> {
  const events = collectEvents(execution)
  const result = await execution.result
  const ends = readEnds(events)
  const entries = Array.from(ends, ([id, { status, output, code }]) => [id, status === 'success' ? output : code])
  return { events, result, ends, endings: Object.fromEntries(entries), called, peak: peak() }
}
