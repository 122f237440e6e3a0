import type {
  LLMProvider,
  ProviderInput,
  ProviderParams,
  ProviderStreamEvent,
} from '../../../../src/integrations/llm/provider.ts'
import { planTasks, type PlanRequest } from '../../../../src/integrations/llm/plan/plan-tasks.ts'
import { createPlanChecks } from '../../../../src/integrations/llm/plan/plan-checks.ts'
import { ToolRegistry } from '../../../../src/tools/registry.ts'

/** Tools as a planner may have them. */
export const TOOLS: ToolRegistry = new ToolRegistry({
  search: {
    description: 'Searches the web.',
    readOnly: true,
    inputSchema: {
      type: 'object',
      properties: { query: { type: 'string', description: 'What to search for.' }, limit: { type: 'integer' } },
      required: ['query'],
      additionalProperties: false,
    },
    execute: () => [],
  },
  write: { description: 'Writes a text.', inputSchema: { type: 'object' }, execute: () => '' },
})

export interface Answer {
  readonly text: string
  /** @defaultValue `stop` */
  readonly finishReason?: string
}

/** A model that gives these answers, cut into pieces. */
export class ScriptedModel implements LLMProvider {
  readonly requests: ProviderInput[] = []
  readonly #answers: Answer[]
  readonly #pieceLength: number

  constructor(answers: readonly (string | Answer)[], pieceLength = 7) {
    this.#answers = answers.map(answer => (typeof answer === 'string' ? { text: answer } : answer))
    this.#pieceLength = pieceLength
  }

  generate(): Promise<never> {
    return Promise.reject(new Error('not called'))
  }

  async *generateStream(input: ProviderInput, params: ProviderParams = {}): AsyncGenerator<ProviderStreamEvent> {
    this.requests.push(input)
    const { text, finishReason = 'stop' } = this.#answers.shift() ?? { text: '' }
    let eventId = 1_000_000_000
    for (let at = 0; at < text.length; at += this.#pieceLength) {
      yield { eventId: eventId++, type: 'content', data: text.slice(at, at + this.#pieceLength) }
    }
    params.onUsage?.({ promptTokens: 100, completionTokens: 10, totalTokens: 110, model: 'scripted' })
    params.onFinish?.({ model: 'scripted', finishReason })
    yield { eventId: eventId++, type: 'done' }
  }
}

export interface Planned {
  readonly ids: readonly unknown[]
  readonly tasks: readonly unknown[]
  readonly error: unknown
  readonly model: ScriptedModel
}

/** Collects the tasks of a plan, and the error that ends it. */
export async function plan(
  answers: readonly (string | Answer)[],
  more: Partial<PlanRequest> = {},
  pieceLength?: number,
): Promise<Planned> {
  const model = new ScriptedModel(answers, pieceLength)
  const tasks: unknown[] = []
  const found = { error: undefined as unknown }
  try {
    const request = { provider: model, prompt: 'Do it', tools: TOOLS, checks: createPlanChecks(TOOLS), ...more }
    for await (const task of planTasks(request)) tasks.push(task)
  } catch (error) {
    found.error = error
  }
  return { ids: tasks.map(task => (task as { readonly id: unknown }).id), tasks, error: found.error, model }
}
