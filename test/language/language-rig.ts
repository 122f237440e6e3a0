import {
  applyEvent,
  createState,
  type Execution,
  type ExecutionOptions,
  type ExecutionResult,
  type SSEEvent,
  StreamingExecutor,
  type Tool,
  type ToolContext,
  validateWorkflow,
} from '../../src/index.ts'
import { collectEvents } from '../support/rig.ts'
import { TOOLS } from './random-behaviour.ts'
import type { RandomDocument } from './random-language-document.ts'
import { deriveSeed, RandomSource } from './random-source.ts'
import type { Json } from './reference-template.ts'
import type { Behaviour } from './surroundings.ts'

/** Whether documents may use the words of the language. Tests that run such documents are skipped until they may. */
export const isLanguageImplemented: boolean = validateWorkflow(
  { tasks: [{ id: 'a', tool: 'work', when: '1 + 1 == 2' }] },
  { work: () => null },
).valid

/** How many seeds a property tries: `RUNS=1000` for a long run, `SEED=` for a single one. */
export const countRuns = (usual: number): number => Number(process.env['RUNS'] ?? usual)

/** The number of slots and the schedules under which every outcome must be the same. */
export const SETTINGS: readonly Required<Pick<ExecutionOptions, 'schedule' | 'maxConcurrency'>>[] = (
  ['layers', 'dataflow'] as const
).flatMap(schedule => [1, 2, 3, 8].map(maxConcurrency => ({ schedule, maxConcurrency })))

/** The tools of random documents, as one process calls them. */
export interface CalledTools {
  readonly tools: readonly Tool[]
  /** Ids of the tasks of the calls, in the order of the calls. */
  readonly called: readonly string[]
  /** The most calls at once. */
  readonly peak: () => number
}

/**
 * Tools that behave as told and take up to two turns of the event loop.
 * @param attemptsBefore by task, attempts that ended in earlier processes
 * @param ask called before each call, with its context
 */
export function createTools(
  behave: Behaviour,
  seed: number,
  attemptsBefore: ReadonlyMap<string, number> = new Map(),
  names: readonly string[] = TOOLS,
  ask?: (context: ToolContext) => Promise<void>,
): CalledTools {
  const called: string[] = []
  const calls = new Map(attemptsBefore)
  let runningCount = 0
  let peakCount = 0
  const call = async (tool: string, args: Json, taskId: string): Promise<Json> => {
    called.push(taskId)
    runningCount += 1
    peakCount = Math.max(peakCount, runningCount)
    // Attempts that the end of a process interrupted count in the engine, and change no outcome.
    const attempt = (calls.get(taskId) ?? 0) + 1
    calls.set(taskId, attempt)
    const random = new RandomSource(deriveSeed(seed, `${taskId} ${attempt}`))
    for (let turn = random.integer(0, 2); turn > 0; turn--) await new Promise(resolve => setImmediate(resolve))
    runningCount -= 1
    const done = behave({ tool, taskId, attempt, args })
    if ('output' in done) return done.output
    const code = done.code === 'TOOL_ERROR' ? {} : { code: done.code }
    throw Object.assign(new Error(`No ${taskId}`), { ...code, ...(done.isFinal && { retryable: false }) })
  }
  const tools = names.map(
    (name): Tool => ({
      name,
      async execute(args, context) {
        const { executionId, taskId, idempotencyKey } = context
        await ask?.(context)
        if (idempotencyKey !== `${executionId}.${taskId}`)
          throw Object.assign(new Error(idempotencyKey), { code: 'KEY' })
        return call(name, args as Json, taskId)
      },
      retry: { jitter: 0 },
      ...(name === 'list' && seed % 3 === 0 && { limit: 1 }),
    }),
  )
  return { tools, called, peak: () => peakCount }
}

/** The options of an executor that knows the registered workflows of a random document. */
export function withWorkflows(made: RandomDocument, options: ExecutionOptions): ExecutionOptions {
  const { workflows } = made
  return { ...options, ...(Object.keys(workflows).length > 0 && { workflows }) }
}

/** An execution that has ended. */
export interface EndedExecution {
  readonly events: readonly SSEEvent[]
  readonly result: ExecutionResult
  readonly peak: number
}

/** Starts a random document in the engine. */
export function startEngine(made: RandomDocument, tools: readonly Tool[], options: ExecutionOptions): Execution {
  return new StreamingExecutor(tools, withWorkflows(made, options)).stream(made.document, { input: made.input })
}

/** How long an execution of a random document may take, ms: far more than it needs on a busy machine. */
const MAX_DURATION_MS = 10_000

/** The result. An execution that does not end is an error that names the tasks which have not, and not only a timeout. */
export async function waitForEnd(execution: Execution, events: readonly SSEEvent[]): Promise<ExecutionResult> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const state = createState('')
      for (const event of events) applyEvent(state, event, 1)
      const open = [...state.tasks.values()].filter(({ result }) => result === undefined)
      const names = open.map(({ taskId, status }) => `${taskId} (${status})`).join(', ')
      reject(new Error(`The execution does not end: ${names || 'all of its tasks have ended'}`))
    }, MAX_DURATION_MS)
  })
  try {
    return await Promise.race([execution.result, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Runs a random document by the engine, to its end. */
export async function runEngine(
  made: RandomDocument,
  seed: number,
  options: ExecutionOptions,
): Promise<EndedExecution> {
  const { tools, peak } = createTools(made.behave, seed)
  const execution = startEngine(made, tools, options)
  const events = collectEvents(execution)
  return { events, result: await waitForEnd(execution, events), peak: peak() }
}
