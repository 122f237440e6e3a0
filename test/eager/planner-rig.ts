import { type DAGTask, type SSEEvent, type Tool, WorkflowRegistry } from '../../src/index.ts'
import { createPlanChecks } from '../../src/integrations/llm/plan/plan-checks.ts'
import { createPlanTool } from '../../src/integrations/llm/plan/plan-tool.ts'
import type {
  LLMProvider,
  ProviderInput,
  ProviderParams,
  ProviderStreamEvent,
} from '../../src/integrations/llm/provider.ts'
import { failure } from '../../src/integrations/llm/stream-error.ts'
import { ToolRegistry } from '../../src/tools/registry.ts'
import { flatten, type Outcome } from '../language/outcome.ts'
import { createRandomDocument, type RandomDocument } from '../language/random-language-document.ts'
import { createTools } from '../language/language-rig.ts'
import { RandomSource } from '../language/random-source.ts'
import { interpretIfSaid } from '../language/reference-interpreter.ts'
import { toLines } from './plan-rig.ts'

/** A random document whose tasks a model plans. */
export interface PlannedCase {
  readonly made: RandomDocument
  readonly lines: readonly string[]
  readonly expected: readonly Outcome[]
}

/** A random document, without the tasks that refer to its input. @returns `undefined` where the outcome is not determined */
export function createCase(seed: number): PlannedCase | undefined {
  const { document, ...rest } = createRandomDocument(seed)
  const { tools } = createTools(rest.behave, seed)
  const registry = new ToolRegistry(tools)
  const checks = createPlanChecks(registry, new WorkflowRegistry(rest.workflows, registry))
  const all = toLines({ tasks: document.tasks }, tools, rest.workflows)
  const lines = all.filter(text => {
    const task = JSON.parse(text) as DAGTask
    // A condition that names the input fails, since a plan has none.
    return !/\binput\b/.test(JSON.stringify([task.when, task.repeat])) && checks.add(task).length === 0
  })
  if (lines.length === 0) return undefined
  const made = { ...rest, document: { tasks: lines.map(text => JSON.parse(text) as DAGTask) } }
  const expected = interpretIfSaid(made.document, made)
  return expected && { made, lines, expected: expected.tasks }
}

/** A model that writes what it was not told to be accepted, in pieces, and at times breaks off. */
export class LineModel implements LLMProvider {
  readonly #lines: readonly string[]
  readonly #random: RandomSource
  readonly #failureChance: number
  #left: number

  constructor(lines: readonly string[], random: RandomSource, failureChance = 0.3, maxFailures = 2) {
    this.#lines = lines
    this.#random = random
    this.#failureChance = failureChance
    this.#left = maxFailures
  }

  generate(): Promise<never> {
    return Promise.reject(new Error('not called'))
  }

  async *generateStream(input: ProviderInput, { signal }: ProviderParams = {}): AsyncGenerator<ProviderStreamEvent> {
    const told = JSON.stringify(input)
    const isMissing = (text: string): boolean => !told.includes(JSON.stringify(text).slice(1, -1))
    let eventId = 1_000_000_000
    const pieces = [...this.#lines.filter(isMissing), '{"seal": true}'].flatMap(text => [
      text.slice(0, 9),
      `${text.slice(9)}\n`,
    ])
    for (const data of pieces) {
      if (this.#left > 0 && this.#random.chance(this.#failureChance / pieces.length)) {
        this.#left -= 1
        throw failure('PROVIDER_UNAVAILABLE', 'By chance')
      }
      for (let turn = this.#random.integer(0, 2); turn > 0; turn--) await new Promise(resolve => setImmediate(resolve))
      signal?.throwIfAborted()
      yield { eventId: eventId++, type: 'content', data }
    }
    yield { eventId, type: 'done' }
  }
}

/** The tools of a case and its planner. Tools do for `p/x` what they do for `x`. */
export function createPlannerTools(
  { made }: PlannedCase,
  seed: number,
  model: LLMProvider,
  attemptsBefore?: ReadonlyMap<string, number>,
): Tool[] {
  const behave: RandomDocument['behave'] = call => made.behave({ ...call, taskId: call.taskId.replace(/^p\//, '') })
  const { tools } = createTools(behave, seed, attemptsBefore)
  const random = new RandomSource(seed)
  const planner = createPlanTool(model, { retry: { maxAttempts: 4, initialDelayMs: 0 } }) as unknown as Tool
  return [...tools.map(tool => (random.chance(0.5) ? { ...tool, readOnly: true } : tool)), planner]
}

/** How each task ended that is not below a `forEach` which was cut short. */
export function describeExpected({ expected }: PlannedCase): Record<string, unknown> {
  const cut = flatten(expected).filter(({ exceeded }) => exceeded !== undefined)
  const known = flatten(expected).filter(({ taskId }) => !cut.some(each => taskId.startsWith(`${each.taskId}[`)))
  return Object.fromEntries(
    known.map(({ taskId, status, code, output }) => [taskId, status === 'success' ? { output } : { status, code }]),
  )
}

/** The same of what really happened. */
export function describeEnds(events: readonly SSEEvent[], known: object): Record<string, unknown> {
  const ends: [string, unknown][] = []
  for (const { type, data } of events) {
    if (type !== 'task_complete') continue
    const { taskId, status } = data
    const id = taskId.replace(/^p\//, '')
    if (!Object.hasOwn(known, id)) continue
    ends.push([id, status === 'success' ? { output: data.output } : { status, code: data.code }])
  }
  return Object.fromEntries(ends)
}
