import {
  createMemoryStore,
  type DAGStructure,
  type ExecutionOptions,
  type ExecutionResult,
  type SSEEvent,
  StreamingExecutor,
  type Tool,
} from '../../../../src/index.ts'
import { createPlanTool } from '../../../../src/integrations/llm/plan/plan-tool.ts'
import type {
  LLMProvider,
  ProviderInput,
  ProviderParams,
  ProviderStreamEvent,
} from '../../../../src/integrations/llm/provider.ts'
import { ControlledTool } from '../../../support/controlled-tool.ts'

/** A model whose answer a test writes piece by piece. */
export class HeldModel implements LLMProvider {
  readonly requests: ProviderInput[] = []
  readonly #open: ((event: ProviderStreamEvent | Error) => void)[] = []
  readonly #pending: (ProviderStreamEvent | Error)[] = []
  #eventId = 1_000_000_000
  params: ProviderParams = {}

  generate(): Promise<never> {
    return Promise.reject(new Error('not called'))
  }

  /** The request with this number, from 1, once it was made. */
  async asked(count: number): Promise<ProviderInput> {
    while (this.requests.length < count) await new Promise(resolve => setTimeout(resolve, 1))
    return this.requests[count - 1] as ProviderInput
  }

  write(...lines: readonly string[]): void {
    for (const line of lines) this.#send({ eventId: this.#eventId++, type: 'content', data: `${line}\n` })
  }

  end(): void {
    this.params.onUsage?.({ promptTokens: 100, completionTokens: 10, totalTokens: 110, model: 'held' })
    this.#send({ eventId: this.#eventId++, type: 'done' })
  }

  fail(error: Error): void {
    this.params.onUsage?.({ promptTokens: 100, completionTokens: 5, totalTokens: 105, model: 'held' })
    this.#send(error)
  }

  async *generateStream(input: ProviderInput, params: ProviderParams = {}): AsyncGenerator<ProviderStreamEvent> {
    this.requests.push(input)
    this.params = params
    for (;;) {
      const event = this.#pending.shift() ?? (await this.#next(params.signal))
      if (event instanceof Error) throw event
      yield event
      if (event.type === 'done') return
    }
  }

  #next(signal: AbortSignal | undefined): Promise<ProviderStreamEvent | Error> {
    return new Promise((resolve, reject) => {
      this.#open.push(resolve)
      signal?.addEventListener('abort', () => {
        this.#open.splice(0, this.#open.length, ...this.#open.filter(each => each !== resolve))
        this.params.onUsage?.({ promptTokens: 100, completionTokens: 1, totalTokens: 101, model: 'held' })
        reject(signal.reason as Error)
      })
    })
  }

  #send(event: ProviderStreamEvent | Error): void {
    const next = this.#open.shift()
    if (next === undefined) this.#pending.push(event)
    else next(event)
  }
}

/** The tools beside the planner: `read` and `write` end when the test says so, `echo` at once. */
export function createTools(model: LLMProvider): { readonly tools: Tool[]; readonly held: ControlledTool } {
  const held = new ControlledTool()
  const tools = [
    createPlanTool(model, { retry: { maxAttempts: 2, initialDelayMs: 0 } }) as unknown as Tool,
    { name: 'read', readOnly: true, execute: held.execute },
    { name: 'write', execute: held.execute },
    { name: 'echo', readOnly: true, execute: (args: Record<string, unknown>) => args['text'] ?? null },
  ]
  return { tools, held }
}

export interface Planning {
  readonly execution: ReturnType<StreamingExecutor['stream']>
  readonly events: SSEEvent[]
  readonly held: ControlledTool
  readonly store: ReturnType<typeof createMemoryStore>
  /** The result, once all events were read. */
  readonly end: () => Promise<ExecutionResult>
}

/** Runs a document whose planner asks `model`. */
export function runPlanner(
  model: LLMProvider,
  document: DAGStructure = { tasks: [{ id: 'p', tool: 'llm:plan', arguments: { prompt: 'Do it' } }] },
  options: ExecutionOptions & { readonly workflows?: Record<string, DAGStructure> } = {},
): Planning {
  const { tools, held } = createTools(model)
  const store = createMemoryStore()
  const execution = new StreamingExecutor(tools, { store, ...options }).stream(document)
  const events: SSEEvent[] = []
  const reading = (async () => {
    for await (const event of execution) events.push(event)
  })()
  const end = async (): Promise<ExecutionResult> => {
    await reading
    return execution.result
  }
  return { execution, events, held, store, end }
}

/** One line of a plan. */
export function line(id: string, tool: string, more: object = {}): string {
  return JSON.stringify({ id, tool, ...more })
}
